// Whom an event is about, where a loop has only a view of a pod.
#pragma once

#include "api/kinds.h"
#include "informers/metadata_view.h"

namespace ph::controllers {

inline core::v1::ObjectReference reference_to(const informers::MetadataView& pod) {
  core::v1::ObjectReference out;
  out.set_api_version("v1");
  out.set_kind("Pod");
  out.set_namespace_(std::string(pod.namespace_name.view()));
  out.set_name(pod.name);
  out.set_uid(pod.uid);
  out.set_resource_version(to_string(pod.revision));
  return out;
}

}  // namespace ph::controllers
