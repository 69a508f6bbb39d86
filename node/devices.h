// Devices of hollow nodes: the slices that tell of them, and whether a pod's claims are there for it.
#pragma once

#include <string>

#include "informers/client.h"
#include "node/hollow_pod.h"
#include "node/stages.h"
#include "resources/v1.pb.h"

namespace ph::node {

// A pool of one slice, called by the node and the driver, that the node with this UID owns.
resources::v1::ResourceSlice make_slice(const std::string& node, const std::string& uid, const DeviceStage& devices);
// Makes it, or makes the one of that name like it.
Task<void> publish(informers::Client& client, resources::v1::ResourceSlice slice);

// What keeps the pod's claims to devices from being prepared on its node, in a kubelet's words; empty: nothing does.
Task<std::string> unprepared(informers::Client& client, std::shared_ptr<const HollowPod> pod);

}  // namespace ph::node
