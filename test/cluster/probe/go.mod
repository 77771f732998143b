module slipway.dev/test/probe

go 1.24
