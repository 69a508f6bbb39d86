#include "scheduler/framework/verdict.h"

namespace ph::scheduler {

std::string_view to_string(Code code) {
  switch (code) {
    case Code::Success: return "Success";
    case Code::Error: return "Error";
    case Code::Unschedulable: return "Unschedulable";
    case Code::UnschedulableAndUnresolvable: return "UnschedulableAndUnresolvable";
    case Code::Wait: return "Wait";
    case Code::Skip: return "Skip";
    case Code::Pending: return "Pending";
  }
  return "";
}

Verdict Verdict::owning(Code code, std::string text) {
  Verdict out(code);
  out.own_ = std::move(text);
  return out;
}

Verdict&& Verdict::because(std::string_view reason) && {
  add_reason(reason);
  return std::move(*this);
}

void Verdict::add_reason(std::string_view reason) {
  if (count_ < kInline) {
    reasons_[count_++] = reason;
  } else {
    more_.push_back(reason);
  }
}

std::vector<std::string_view> Verdict::reasons() const {
  std::vector<std::string_view> out;
  if (!own_.empty()) out.push_back(own_);
  out.insert(out.end(), reasons_.begin(), reasons_.begin() + count_);
  out.insert(out.end(), more_.begin(), more_.end());
  return out;
}

std::string Verdict::message() const {
  std::string out;
  for (const std::string_view reason : reasons()) {
    if (!out.empty()) out += ", ";
    out += reason;
  }
  return out;
}

}  // namespace ph::scheduler
