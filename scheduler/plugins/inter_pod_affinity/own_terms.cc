#include "scheduler/plugins/inter_pod_affinity/own_terms.h"

#include <algorithm>

#include "scheduler/framework/class_key.h"

namespace ph::scheduler {

bool matches_all(const Terms& terms, const PodInfo& pod) {
  return !terms.empty() && std::ranges::all_of(terms, [&](const AffinityTerm& term) { return term.matches(pod, kResolved); });
}

namespace {

void add_term(ClassKey& key, const AffinityTerm& term) {
  add_text(key, term.topology_key.view());
  add_number(key, static_cast<std::int64_t>(term.namespaces.size()));
  for (const Interned& name : term.namespaces) add_text(key, name.view());
  for (const LabelMatcher* matcher : {&term.namespace_labels, &term.pods}) {
    std::string text;
    matcher->describe(text);
    add_number(key, matcher->is_nothing() ? 1 : 0);
    add_text(key, text);
  }
}

std::string text_of(const Terms& terms) {
  ClassKey out;
  add_number(out, static_cast<std::int64_t>(terms.size()));
  for (const AffinityTerm& term : terms) add_term(out, term);
  return out;
}

std::string text_of(const WeightedTerms& terms) {
  ClassKey out;
  add_number(out, static_cast<std::int64_t>(terms.size()));
  for (const WeightedTerm& one : terms) {
    add_term(out, one.term);
    add_number(out, one.weight);
  }
  return out;
}

}  // namespace

std::string affinity_text(const PodAffinity& affinity) {
  return text_of(affinity.required) + text_of(affinity.required_anti) + text_of(affinity.preferred) +
         text_of(affinity.preferred_anti);
}

// As if the term named all namespaces that its selector selects now. One that selects all of them stays as it is.
AffinityTerm ResolvedTerms::resolved(const AffinityTerm& term) const {
  AffinityTerm out = term;
  if (term.namespace_labels.is_everything() || term.namespace_labels.is_nothing()) return out;
  for (const auto& one : namespaces_.list()) {
    if (term.namespace_labels.matches(interned_labels(one->metadata().labels()))) {
      out.namespaces.emplace_back(one->metadata().name());
    }
  }
  out.namespace_labels = LabelMatcher::nothing();
  return out;
}

std::shared_ptr<const OwnTerms> ResolvedTerms::made(const PodAffinity& affinity) const {
  auto out = std::make_shared<OwnTerms>();
  for (const AffinityTerm& term : affinity.required) out->near.push_back(resolved(term));
  for (const AffinityTerm& term : affinity.required_anti) out->away.push_back(resolved(term));
  for (const WeightedTerm& one : affinity.preferred) out->preferred_near.push_back({resolved(one.term), one.weight});
  for (const WeightedTerm& one : affinity.preferred_anti) out->preferred_away.push_back({resolved(one.term), one.weight});
  out->near_claim = text_of(out->near);
  out->away_claim = text_of(out->away);
  out->preferred_claim = text_of(out->preferred_near) + text_of(out->preferred_away);
  return out;
}

std::shared_ptr<const OwnTerms> ResolvedTerms::of(const PodAffinity& affinity) {
  const std::string text = affinity_text(affinity);
  const auto version = namespaces_.version();
  auto known = std::ranges::find(recent_, text, &Known::text);
  if (known == recent_.end()) {
    if (recent_.size() >= kMost) recent_.pop_back();
    recent_.push_front({text, {}, nullptr});
  } else {
    recent_.splice(recent_.begin(), recent_, known);
  }
  Known& found = recent_.front();
  if (!found.terms || !version || found.version != version) found.terms = made(affinity), found.version = version;
  return found.terms;
}

}  // namespace ph::scheduler
