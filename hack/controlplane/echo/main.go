// Command echo is the smallest scheduler extender there can be: it offers back every node it was offered
// and gives each the same score. The end-to-end suite runs it beside Heliotrope, so that the price of the
// protocol and the price of a decision are told apart in one run.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
)

type args struct {
	NodeNames *[]string
}

type filterResult struct {
	NodeNames *[]string
}

type hostPriority struct {
	Host  string
	Score int64
}

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "loopback address to listen on")
	flag.Parse()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /filter", func(w http.ResponseWriter, r *http.Request) {
		answer(w, r, func(a args) any { return filterResult{NodeNames: a.NodeNames} })
	})
	mux.HandleFunc("POST /prioritize", func(w http.ResponseWriter, r *http.Request) {
		answer(w, r, func(a args) any {
			scores := []hostPriority{}
			if a.NodeNames != nil {
				for _, name := range *a.NodeNames {
					scores = append(scores, hostPriority{Host: name})
				}
			}
			return scores
		})
	})
	socket, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on %s\n", socket.Addr())
	log.Fatal(http.Serve(socket, mux))
}

func answer(w http.ResponseWriter, r *http.Request, reply func(args) any) {
	var a args
	if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(reply(a)); err != nil {
		log.Print(err)
	}
}
