// Package credentials stands in for the real one.
package credentials

import "crypto/tls"

type TransportCredentials struct {
	Config *tls.Config
}

func NewTLS(config *tls.Config) TransportCredentials {
	return TransportCredentials{config}
}
