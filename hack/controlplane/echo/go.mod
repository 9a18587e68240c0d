module heliotrope.dev/hack/controlplane/echo

go 1.26
