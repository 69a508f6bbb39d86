#include "api/rules.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/internal_form.h"
#include "api/kinds.h"
#include "api/names.h"
#include "api/validation/quote.h"

namespace ph::api {

Path& Path::operator=(const Path& other) {
  std::copy_n(other.steps_.begin(), other.size_, steps_.begin());
  size_ = other.size_;
  return *this;
}

std::string Path::text() const {
  std::string out;
  for (std::size_t i = 0; i < size_; ++i) {
    const Step& step = steps_[i];
    switch (step.kind) {
      case kMember:
        if (!out.empty()) out += '.';
        out.append(step.data, step.size);
        break;
      case kIndex: out += fmt::format("[{}]", step.size); break;
      case kKey: out += fmt::format("[{}]", std::string_view(step.data, step.size)); break;
    }
  }
  return size_ == 0 ? "<nil>" : out;
}

namespace {

constexpr std::size_t kErrorsMax = 1000;
constexpr std::size_t kErrorBytesMax = 256 * 1024;

}  // namespace

void Errors::add(std::string_view type, const Path& path, std::string detail) {
  ++size_;
  if (full_) return;
  full_ = list_.size() >= kErrorsMax || bytes_ >= kErrorBytesMax;
  if (full_) detail = fmt::format("Too many errors: the first {} are told", list_.size());
  list_.push_back({std::string(type), path.text(), std::move(detail)});
  bytes_ += list_.back().field.size() + list_.back().detail.size();
}

namespace {

std::string with_detail(std::string head, std::string_view detail) {
  if (!detail.empty()) head.append(": ").append(detail);
  return head;
}

template <class List>
std::string supported_text(std::string_view value_json, const List& supported) {
  std::vector<std::string> quoted;
  for (const auto& one : supported) quoted.push_back(quote(one));
  std::string out = fmt::format("Unsupported value: {}", value_json);
  if (!quoted.empty()) out += fmt::format(": supported values: {}", fmt::join(quoted, ", "));
  return out;
}

}  // namespace

void Errors::required(const Path& path, std::string_view detail) {
  add("FieldValueRequired", path, with_detail("Required value", detail));
}

void Errors::invalid(const Path& path, std::string_view value_json, std::string_view detail) {
  add("FieldValueInvalid", path,
      with_detail(value_json.empty() ? "Invalid value" : fmt::format("Invalid value: {}", value_json), detail));
}

void Errors::invalid(const Path& path, std::int64_t value, std::string_view detail) {
  invalid(path, std::to_string(value), detail);
}

void Errors::invalid_text(const Path& path, std::string_view value, std::string_view detail) {
  invalid(path, quote(value), detail);
}

void Errors::invalid_message(const Path& path, const Message& value, std::string_view detail) {
  invalid(path, internal_json(value), detail);
}

void Errors::not_supported(const Path& path, std::string_view value, std::initializer_list<std::string_view> supported) {
  add("FieldValueNotSupported", path, supported_text(quote(value), supported));
}

void Errors::not_supported(const Path& path, std::string_view value, const std::vector<std::string>& supported) {
  add("FieldValueNotSupported", path, supported_text(quote(value), supported));
}

void Errors::not_supported_json(const Path& path, std::string_view value_json, const std::vector<std::string>& supported) {
  add("FieldValueNotSupported", path, supported_text(value_json, supported));
}

void Errors::take(Errors other) {
  for (FieldError& error : other.list_) {
    ++size_;
    if (full_) continue;
    bytes_ += error.field.size() + error.detail.size();
    list_.push_back(std::move(error));
    full_ = list_.size() > kErrorsMax || bytes_ > kErrorBytesMax;
  }
}

void Errors::sort() {
  std::ranges::sort(list_, {}, [](const FieldError& error) { return error.field + ": " + error.detail; });
}

void Errors::forbidden(const Path& path, std::string_view detail) {
  add("FieldValueForbidden", path, with_detail("Forbidden", detail));
}

void Errors::duplicate(const Path& path, std::string_view value) { duplicate_json(path, quote(value)); }

void Errors::duplicate_json(const Path& path, std::string_view value_json) {
  add("FieldValueDuplicate", path, fmt::format("Duplicate value: {}", value_json));
}

void Errors::too_long(const Path& path, std::size_t max) {
  add("FieldValueTooLong", path, fmt::format("Too long: may not be more than {} bytes", max));
}

void Errors::too_many(const Path& path, std::size_t actual, std::size_t max) {
  add("FieldValueTooMany", path, fmt::format("Too many: {}: must have at most {} {}", actual, max, max == 1 ? "item" : "items"));
}

void Errors::not_found(const Path& path, std::string_view value, std::string_view detail) {
  add("FieldValueNotFound", path, with_detail(fmt::format("Not found: {}", quote(value)), detail));
}

void Errors::internal(const Path& path, std::string_view detail) {
  add("InternalError", path, with_detail("Internal error", detail));
}

void Errors::type_invalid(const Path& path, std::string_view value, std::string_view detail) {
  add("FieldValueTypeInvalid", path, with_detail(fmt::format("Invalid value: {}", quote(value)), detail));
}

void Errors::invalid_each(const Path& path, std::string_view value, const std::vector<std::string>& complaints) {
  for (const std::string& complaint : complaints) invalid_text(path, value, complaint);
}

// A generateName is judged as if characters stood where its trailing dash is.
static std::string completed(std::string_view name, bool prefix) {
  std::string out(name);
  if (prefix && out.size() > 1 && out.back() == '-') out.replace(out.size() - 2, 2, "a");
  return out;
}

std::vector<std::string> subdomain_name(std::string_view name, bool prefix) {
  return check_dns1123_subdomain(completed(name, prefix));
}
std::vector<std::string> label_name(std::string_view name, bool prefix) { return check_dns1123_label(completed(name, prefix)); }
std::vector<std::string> dns1035_name(std::string_view name, bool prefix) { return check_dns1035_label(completed(name, prefix)); }
std::vector<std::string> path_segment_name(std::string_view name, bool prefix) {
  std::vector<std::string> out;
  if (!prefix && (name == "." || name == "..")) return {fmt::format("may not be '{}'", name)};
  for (const std::string_view bad : {"/", "%"}) {
    if (name.find(bad) != name.npos) out.push_back(fmt::format("may not contain '{}'", bad));
  }
  return out;
}
std::vector<std::string> ip_address_name(std::string_view name, bool) { return check_canonical_ip(name); }

}  // namespace ph::api
