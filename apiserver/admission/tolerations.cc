#include "apiserver/admission/tolerations.h"

#include <algorithm>

namespace ph::apiserver::admission {

using core::v1::Toleration;

namespace {

bool same(const Toleration& a, const Toleration& b) {
  return a.key() == b.key() && a.operator_() == b.operator_() && a.value() == b.value() && a.effect() == b.effect() &&
         a.has_toleration_seconds() == b.has_toleration_seconds() && a.toleration_seconds() == b.toleration_seconds();
}

}  // namespace

bool covers(const Toleration& wide, const Toleration& narrow) {
  if (same(wide, narrow)) return true;
  const bool exists = wide.operator_() == "Exists";
  if (wide.key() != narrow.key() && !(exists && wide.key().empty())) return false;
  if (wide.effect() != narrow.effect() && !wide.effect().empty()) return false;
  if (wide.effect() == "NoExecute" && wide.has_toleration_seconds() &&
      (!narrow.has_toleration_seconds() || narrow.toleration_seconds() > wide.toleration_seconds())) {
    return false;
  }
  if (exists) return true;
  const bool equal = wide.operator_().empty() || wide.operator_() == "Equal";
  return equal && narrow.operator_() == "Equal" && narrow.value() == wide.value();
}

void merge(Tolerations& into, const Tolerations& more) {
  Tolerations all = std::move(into);
  all.MergeFrom(more);
  into.Clear();
  for (int i = 0; i < all.size(); ++i) {
    const auto needless = [&](const Toleration& other) { return covers(other, all[i]); };
    if (std::ranges::any_of(into, needless)) continue;
    const bool comes = std::any_of(all.begin() + i + 1, all.end(),
                                   [&](const Toleration& later) { return !same(later, all[i]) && covers(later, all[i]); });
    if (!comes) *into.Add() = all[i];
  }
}

}  // namespace ph::apiserver::admission
