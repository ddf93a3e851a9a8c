// A judge and a TLS peer of Go's standard library, whose crypto/tls and crypto/x509 Milvus is built on.
//
//	peer verify server|client CA CHAIN [NAME...]   what is wrong, a line each
//	peer client PORT CA CHAIN KEY                  one request over mutual TLS
//	peer server CA CHAIN KEY                       its port, then answers until it is ended
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

func main() {
	switch arguments := os.Args[2:]; os.Args[1] {
	case "verify":
		verify(arguments[0], arguments[1], arguments[2], arguments[3:])
	case "client":
		client(arguments[0], arguments[1], arguments[2], arguments[3])
	case "server":
		server(arguments[0], arguments[1], arguments[2])
	}
}

func verify(role, ca, chain string, names []string) {
	var certificates []*x509.Certificate
	for rest := read(chain); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			fmt.Println(err)
			return
		}
		certificates = append(certificates, certificate)
	}
	options := x509.VerifyOptions{Roots: pool(ca), Intermediates: x509.NewCertPool()}
	for _, certificate := range certificates[1:] {
		options.Intermediates.AddCert(certificate)
	}
	options.KeyUsages = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	if role == "client" {
		options.KeyUsages = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		names = []string{""} // a client is asked for no name
	}
	for _, name := range names {
		options.DNSName = name
		if _, err := certificates[0].Verify(options); err != nil {
			fmt.Println(err)
		}
	}
}

func client(port, ca, chain, key string) {
	config := &tls.Config{RootCAs: pool(ca), Certificates: pair(chain, key)}
	connection, err := tls.Dial("tcp", net.JoinHostPort("localhost", port), config)
	stop(err)
	_, err = io.WriteString(connection, "GET / HTTP/1.0\r\n\r\n")
	stop(err)
	reply, err := io.ReadAll(connection)
	stop(err)
	os.Stdout.Write(reply)
}

func server(ca, chain, key string) {
	config := &tls.Config{
		ClientCAs:    pool(ca),
		ClientAuth:   tls.RequireAndVerifyClientCert,
		Certificates: pair(chain, key),
	}
	listener, err := tls.Listen("tcp", "localhost:0", config)
	stop(err)
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	for {
		connection, err := listener.Accept()
		stop(err)
		connection.SetDeadline(time.Now().Add(5 * time.Second))
		if _, err = connection.Read(make([]byte, 4096)); err == nil {
			io.WriteString(connection, "HTTP/1.0 200 OK\r\n\r\nok")
		}
		connection.Close()
	}
}

func pool(path string) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(read(path))
	return pool
}

func pair(chain, key string) []tls.Certificate {
	pair, err := tls.LoadX509KeyPair(chain, key)
	stop(err)
	return []tls.Certificate{pair}
}

func read(path string) []byte {
	content, err := os.ReadFile(path)
	stop(err)
	return content
}

func stop(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
