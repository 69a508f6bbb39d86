// matchConditions: expressions that must all be true for a webhook to be asked.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "api/cel/expression.h"
#include "api/kinds.h"

namespace ph::apiserver::webhook {

struct Condition {
  std::string text;
  std::shared_ptr<const api::cel::Expression> expression;  // null: it cannot be read, as `error` says
  std::string error;
};

std::vector<Condition> compile(const google::protobuf::RepeatedPtrField<admissionregistration::v1::MatchCondition>& conditions);

// JSON as expressions see it.
api::cel::Value value_of(const nlohmann::json& document);

struct Judgement {
  bool holds = false;
  std::string error;  // why it cannot be told; empty: it can
};
// One that is false decides, whatever is wrong with the others.
Judgement judge(const std::vector<Condition>& conditions, const api::cel::Variables& variables);

}  // namespace ph::apiserver::webhook
