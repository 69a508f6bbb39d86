// What a request counts as for priority and fairness.
#pragma once

#include <memory>
#include <string>

namespace ph::apiserver {

struct FlowSchemaInUse;  // apiserver/flowcontrol/flow_config.h

// The flow schema that a request has matched, and which of its flows it belongs to. Empty: nobody was asked. Threads: any.
struct Flow {
  std::shared_ptr<const FlowSchemaInUse> schema;
  std::string distinguisher;  // the user or the namespace; empty: all of the schema is one flow

  explicit operator bool() const { return schema != nullptr; }
};

}  // namespace ph::apiserver
