// Command custom-metrics-adapter is an adapter for custom.metrics.k8s.io and external.metrics.k8s.io: the API server and the
// provider of sigs.k8s.io/custom-metrics-apiserver, whose values are written to it. The library's own command takes them on
// port 8080 of every interface; this one takes them on a loopback address, so that any number of suites can run beside each other.
package main

import (
	"context"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/emicklei/go-restful/v3"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/cmd"
	"sigs.k8s.io/custom-metrics-apiserver/test-adapter/provider"
)

func main() {
	adapter := &cmd.AdapterBase{Name: "custom-metrics-adapter"}
	written := adapter.Flags().String("written-at", "127.0.0.1:8080", "loopback address at which values are written")
	must(adapter.Flags().Parse(os.Args[1:]))

	client, err := adapter.DynamicClient()
	must(err)
	kinds, err := adapter.RESTMapper()
	must(err)
	metrics, values := provider.NewFakeProvider(client, kinds)
	adapter.WithCustomMetrics(metrics)
	adapter.WithExternalMetrics(metrics)

	// Values are JSON: POST /write-metrics/namespaces/{namespace}/{resource}/{name}/{metric}
	routes := restful.NewContainer().Add(values)
	go func() {
		server := &http.Server{Addr: *written, Handler: routes, ReadHeaderTimeout: 3 * time.Second}
		must(server.ListenAndServe())
	}()
	must(adapter.Run(context.Background()))
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
