package compile

// ChargeRegion returns the region by which a provider of the document charges, for those who price outside a snapshot.
// base is its base URL, "" = its catalog entry's.
func ChargeRegion(base, region string) string { return charges(base, region) }
