// volumeattributesclass-protection: a class that is deleted stays while a claim or a volume names it.
//
//   reads     storage.k8s.io/v1 VolumeAttributesClass,
//             v1 PersistentVolumeClaim, v1 PersistentVolume   informers
//   writes    storage.k8s.io/v1 VolumeAttributesClass         update: its finalizer kubernetes.io/vac-protection
//   upstream  pkg/controller/volume/vacprotection
//
// As upstream's, it goes by its copies alone: a claim that names the class at the moment it goes finds it gone, as it would a moment
// later.
#include "controllers/runtime/loop.h"
#include "controllers/volume_attributes_class_protection/plan.h"

namespace ph::controllers {
namespace {

using class_protection::Claim, class_protection::Class, class_protection::kFinalizer, class_protection::Volume;

constexpr const char* kByClass = "volume attributes class";

bool wants_work(const Class& of) { return protection_of(of.metadata(), kFinalizer) != Protection::Fits; }

class ClassProtection final : public Loop {
 public:
  explicit ClassProtection(const World& world)
      : client_(world.client),
        log_(world.log),
        classes_(world.informer<Class>()),
        claims_(world.informer<Claim>()),
        volumes_(world.informer<Volume>()) {
    claims_.add_index(kByClass, [](const Claim& claim) { return class_protection::named_by(claim); });
    volumes_.add_index(kByClass, [](const Volume& volume) { return class_protection::named_by(volume); });
  }

  Task<Outcome> reconcile(ObjectKey key) override {
    const Ref<Class> found = classes_.find(key);
    const Protection protection = found ? protection_of(found->metadata(), kFinalizer) : Protection::Fits;
    if (protection == Protection::Fits) co_return Outcome::done();
    // Whoever lets go of it brings the key again.
    if (protection == Protection::Leaving && is_used(key.name)) co_return Outcome::done();
    Class wanted = *found;
    if (protection == Protection::Lacks) add_finalizer(*wanted.mutable_metadata(), kFinalizer);
    else drop_finalizer(*wanted.mutable_metadata(), kFinalizer);
    const Patched done = co_await client_.try_update<Class>(std::move(wanted));
    if (done == Patched::Yes && protection == Protection::Leaving) log_.info("class let go: nobody names it", "class", key);
    co_return Outcome::done();
  }

 private:
  bool is_used(const std::string& name) const {
    return !volumes_.by_index(kByClass, name).empty() || !claims_.by_index(kByClass, name).empty();
  }

  Client& client_;
  const Log log_;
  Informer<Class>& classes_;
  Informer<Claim>& claims_;
  Informer<Volume>& volumes_;
};

template <class T>
std::vector<LoopBuilder::Wake> classes_let_go(const T* before, const T* after, const World&) {
  std::vector<LoopBuilder::Wake> out;
  for (std::string& name : class_protection::let_go(before, after)) out.push_back({.key = {{}, std::move(name)}});
  return out;
}

}  // namespace

void volume_attributes_class_protection(LoopBuilder& loop) {
  loop.reconciles<Class>(wants_work)
      .watches_changes<Claim>(classes_let_go<Claim>)
      .watches_changes<Volume>(classes_let_go<Volume>)
      .with<ClassProtection>();
}

}  // namespace ph::controllers
