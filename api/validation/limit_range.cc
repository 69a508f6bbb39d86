// v1 LimitRange.
#include <fmt/format.h>

#include "api/validation/validation.h"

namespace ph::api {

using namespace core::v1;

namespace {

void check_type(std::string_view type, const Path& path, Errors& errors) {
  const std::size_t before = errors.size();
  check_qualified(type, path, errors);
  if (errors.size() != before) return;
  const bool standard = type == "Pod" || type == "Container" || type == "PersistentVolumeClaim";
  if (type.find('/') == type.npos && !standard)
    errors.invalid_text(path, type, "must be a standard limit type or fully qualified");
}

// One resource of one limit: the amounts must be in order.
class Bounds {
 public:
  Bounds(const LimitRangeItem& item, const std::string& name, const Path& path, Errors& errors)
      : name_(name),
        path_(path),
        errors_(errors),
        min_(of(item.min())),
        max_(of(item.max())),
        default_(of(item.default_())),
        request_(of(item.default_request())),
        ratio_(of(item.max_limit_request_ratio())) {}

  void check() {
    not_above(min_, "min", max_, "max", "min", min_);
    not_above(min_, "min", request_, "default request", "defaultRequest", request_);
    not_above(request_, "default request", max_, "max", "defaultRequest", request_);
    not_above(request_, "default request", default_, "default limit", "defaultRequest", request_);
    not_above(min_, "min", default_, "default", "default", min_);
    not_above(default_, "default", max_, "max", "default", max_);
    check_ratio();
    overcommit();
  }

 private:
  std::optional<Quantity> of(const ResourceMap& amounts) const {
    const auto found = amounts.find(name_);
    return found == amounts.end() ? std::nullopt : quantity_of(found->second);
  }

  // The complaint is about `member`, and shows `shown`.
  void not_above(const std::optional<Quantity>& low, const char* low_words, const std::optional<Quantity>& high,
                 const char* high_words, const char* member, const std::optional<Quantity>& shown) {
    if (!low || !high || *low <= *high) return;
    errors_.invalid_text(
        path_.member(member).key(name_), shown->text(),
        fmt::format("{} value {} is greater than {} value {}", low_words, low->text(), high_words, high->text()));
  }

  void check_ratio() {
    if (!ratio_) return;
    if (*ratio_ < Quantity::of(1)) {
      errors_.invalid_text(path_.member("maxLimitRequestRatio").key(name_), ratio_->text(),
                           fmt::format("ratio {} is less than 1", ratio_->text()));
    }
    if (!min_ || !max_ || min_->is_zero()) return;
    const double most = static_cast<double>(max_->milli_value()) / static_cast<double>(min_->milli_value());
    if (static_cast<double>(ratio_->milli_value()) / 1000 > most) {
      errors_.invalid_text(path_.member("maxLimitRequestRatio").key(name_), ratio_->text(),
                           fmt::format("ratio {} is greater than max/min = {:f}", ratio_->text(), most));
    }
  }

  // What cannot be overcommitted has one amount for request and limit.
  void overcommit() {
    if (is_native_resource(name_) && !is_hugepages(name_)) return;
    if (request_ && default_ && *request_ != *default_) {
      errors_.invalid_text(
          path_.member("defaultRequest").key(name_), request_->text(),
          fmt::format("default request value {} must be equal to default limit value {}", request_->text(), default_->text()));
    }
  }

  const std::string& name_;
  const Path& path_;
  Errors& errors_;
  std::optional<Quantity> min_, max_, default_, request_, ratio_;
};

void check_item(const LimitRangeItem& item, const Path& path, Errors& errors) {
  std::set<std::string> names;
  const auto collect = [&](const ResourceMap& amounts, const char* member) {
    for (const auto* entry : sorted(amounts)) {
      const Path at = path.member(member).key(entry->first);
      item.type() == "Container" || item.type() == "Pod" ? check_container_resource_name(entry->first, at, errors)
                                                         : check_resource_name(entry->first, at, errors);
      names.insert(entry->first);
    }
  };
  collect(item.max(), "max");
  collect(item.min(), "min");
  if (item.type() == "Pod") {
    if (!item.default_().empty()) errors.forbidden(path.member("default"), "may not be specified when `type` is 'Pod'");
    if (!item.default_request().empty())
      errors.forbidden(path.member("defaultRequest"), "may not be specified when `type` is 'Pod'");
  } else {
    collect(item.default_(), "default");
    collect(item.default_request(), "defaultRequest");
  }
  if (item.type() == "PersistentVolumeClaim" && !item.min().contains("storage") && !item.max().contains("storage")) {
    errors.required(path.member("limits"), "either minimum or maximum storage value is required, but neither was provided");
  }
  collect(item.max_limit_request_ratio(), "maxLimitRequestRatio");
  for (const std::string& name : names) Bounds(item, name, path, errors).check();
}

}  // namespace

void validate(const LimitRange& object, Errors& errors) {
  std::set<std::string_view> types;
  for (int i = 0; i < object.spec().limits_size(); ++i) {
    const LimitRangeItem& item = object.spec().limits(i);
    const Path at = Path("spec").member("limits").index(i);
    check_type(item.type(), at.member("type"), errors);
    if (!types.insert(item.type()).second) errors.duplicate(at.member("type"), item.type());
    check_item(item, at, errors);
  }
}

void validate_update(const LimitRange& now, const LimitRange&, Errors& errors) { validate(now, errors); }

}  // namespace ph::api
