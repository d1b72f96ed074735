// Volumes and their snapshots as folders of the only node there is: a CSI
// driver that answers the sidecars and the kubelet on one socket, and
// registers itself with the kubelet on another.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
	registration "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
	"k8s.io/mount-utils"
)

const name = "folders.carrel.dev"

func main() {
	root := flag.String("root", "", "where the folders are kept")
	node := flag.String("node", "", "the name of the node")
	kubelet := flag.String("kubelet", "/var/lib/kubelet", "the kubelet's folder")
	flag.Parse()
	endpoint := filepath.Join(*kubelet, "plugins", name, "csi.sock")
	if err := serve(*root, *node, endpoint, filepath.Join(*kubelet, "plugins_registry", name+"-reg.sock")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(root, node, endpoint, registry string) error {
	server := grpc.NewServer()
	csi.RegisterIdentityServer(server, identity{})
	csi.RegisterControllerServer(server, &controller{store: store{root}})
	csi.RegisterNodeServer(server, nodePlugin{store: store{root}, node: node, mounter: mount.NewWithoutSystemd("")})
	registration.RegisterRegistrationServer(server, registrar{endpoint: endpoint})
	plugin, err := listen(endpoint)
	if err != nil {
		return err
	}
	// The kubelet calls as soon as it sees this one.
	announced, err := listen(registry)
	if err != nil {
		return err
	}
	ended := make(chan error)
	for _, listener := range []net.Listener{plugin, announced} {
		go func() { ended <- server.Serve(listener) }()
	}
	return <-ended
}

func listen(socket string) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(socket), 0o750); err != nil {
		return nil, err
	}
	if err := os.Remove(socket); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	return net.Listen("unix", socket)
}

type registrar struct {
	registration.UnimplementedRegistrationServer
	endpoint string
}

func (r registrar) GetInfo(context.Context, *registration.InfoRequest) (*registration.PluginInfo, error) {
	return &registration.PluginInfo{
		Type:              registration.CSIPlugin,
		Name:              name,
		Endpoint:          r.endpoint,
		SupportedVersions: []string{"1.0.0"},
	}, nil
}

func (registrar) NotifyRegistrationStatus(_ context.Context, said *registration.RegistrationStatus) (*registration.RegistrationStatusResponse, error) {
	if !said.PluginRegistered {
		fmt.Fprintln(os.Stderr, "the kubelet refuses the driver:", said.Error)
	}
	return &registration.RegistrationStatusResponse{}, nil
}

type identity struct{ csi.UnimplementedIdentityServer }

func (identity) GetPluginInfo(context.Context, *csi.GetPluginInfoRequest) (*csi.GetPluginInfoResponse, error) {
	return &csi.GetPluginInfoResponse{Name: name, VendorVersion: "1"}, nil
}

func (identity) GetPluginCapabilities(context.Context, *csi.GetPluginCapabilitiesRequest) (*csi.GetPluginCapabilitiesResponse, error) {
	service := &csi.PluginCapability_Service{Type: csi.PluginCapability_Service_CONTROLLER_SERVICE}
	return &csi.GetPluginCapabilitiesResponse{
		Capabilities: []*csi.PluginCapability{{Type: &csi.PluginCapability_Service_{Service: service}}},
	}, nil
}

func (identity) Probe(context.Context, *csi.ProbeRequest) (*csi.ProbeResponse, error) {
	return &csi.ProbeResponse{}, nil
}
