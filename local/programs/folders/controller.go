package main

import (
	"context"
	"sync"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

type controller struct {
	csi.UnimplementedControllerServer
	store store
	// A sidecar that lost its patience asks again while the first copy goes on.
	oneAtATime sync.Mutex
}

func (c *controller) ControllerGetCapabilities(context.Context, *csi.ControllerGetCapabilitiesRequest) (*csi.ControllerGetCapabilitiesResponse, error) {
	answer := &csi.ControllerGetCapabilitiesResponse{}
	for _, can := range []csi.ControllerServiceCapability_RPC_Type{
		csi.ControllerServiceCapability_RPC_CREATE_DELETE_VOLUME,
		csi.ControllerServiceCapability_RPC_CREATE_DELETE_SNAPSHOT,
	} {
		rpc := &csi.ControllerServiceCapability_Rpc{Rpc: &csi.ControllerServiceCapability_RPC{Type: can}}
		answer.Capabilities = append(answer.Capabilities, &csi.ControllerServiceCapability{Type: rpc})
	}
	return answer, nil
}

func (c *controller) ValidateVolumeCapabilities(_ context.Context, asked *csi.ValidateVolumeCapabilitiesRequest) (*csi.ValidateVolumeCapabilitiesResponse, error) {
	if _, _, err := c.store.about(volumes, asked.VolumeId); err != nil {
		return nil, status.Error(codes.NotFound, err.Error())
	}
	return &csi.ValidateVolumeCapabilitiesResponse{
		Confirmed: &csi.ValidateVolumeCapabilitiesResponse_Confirmed{VolumeCapabilities: asked.VolumeCapabilities},
	}, nil
}

func (c *controller) CreateVolume(_ context.Context, asked *csi.CreateVolumeRequest) (*csi.CreateVolumeResponse, error) {
	c.oneAtATime.Lock()
	defer c.oneAtATime.Unlock()
	for _, wanted := range asked.VolumeCapabilities {
		if wanted.GetBlock() != nil {
			return nil, status.Error(codes.InvalidArgument, "a folder is no block device")
		}
	}
	size, original := asked.CapacityRange.GetRequiredBytes(), ""
	if from := asked.VolumeContentSource.GetSnapshot(); from != nil {
		kept, _, err := c.store.about(snapshots, from.SnapshotId)
		if err != nil {
			return nil, status.Error(codes.NotFound, err.Error())
		}
		if size < kept {
			return nil, status.Errorf(codes.OutOfRange, "the snapshot is of %d bytes, and %d are too few", kept, size)
		}
		if original, err = c.store.files(snapshots, from.SnapshotId); err != nil {
			return nil, status.Error(codes.InvalidArgument, err.Error())
		}
	}
	if err := c.store.create(volumes, asked.Name, size, original); err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return &csi.CreateVolumeResponse{
		Volume: &csi.Volume{VolumeId: asked.Name, CapacityBytes: size, ContentSource: asked.VolumeContentSource},
	}, nil
}

func (c *controller) DeleteVolume(_ context.Context, asked *csi.DeleteVolumeRequest) (*csi.DeleteVolumeResponse, error) {
	c.oneAtATime.Lock()
	defer c.oneAtATime.Unlock()
	if err := c.store.remove(volumes, asked.VolumeId); err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return &csi.DeleteVolumeResponse{}, nil
}

// CreateSnapshot copies file by file: unlike a real storage's, a snapshot of
// files that are being written is not of one moment.
func (c *controller) CreateSnapshot(_ context.Context, asked *csi.CreateSnapshotRequest) (*csi.CreateSnapshotResponse, error) {
	c.oneAtATime.Lock()
	defer c.oneAtATime.Unlock()
	size, _, err := c.store.about(volumes, asked.SourceVolumeId)
	if err != nil {
		return nil, status.Error(codes.NotFound, err.Error())
	}
	original, err := c.store.files(volumes, asked.SourceVolumeId)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	if err := c.store.create(snapshots, asked.Name, size, original); err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	size, made, err := c.store.about(snapshots, asked.Name)
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return &csi.CreateSnapshotResponse{Snapshot: &csi.Snapshot{
		SnapshotId:     asked.Name,
		SourceVolumeId: asked.SourceVolumeId,
		SizeBytes:      size,
		CreationTime:   timestamppb.New(made),
		ReadyToUse:     true,
	}}, nil
}

func (c *controller) DeleteSnapshot(_ context.Context, asked *csi.DeleteSnapshotRequest) (*csi.DeleteSnapshotResponse, error) {
	c.oneAtATime.Lock()
	defer c.oneAtATime.Unlock()
	if err := c.store.remove(snapshots, asked.SnapshotId); err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return &csi.DeleteSnapshotResponse{}, nil
}
