module weir/bench

go 1.26.0
