module weir/e2e

go 1.26.0

require weir v0.0.0

replace weir => ../
