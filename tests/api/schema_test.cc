#include "api/schema.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/kinds.h"

namespace ph::api {
namespace {

using testing::ElementsAre;

const Schema& kind(const char* group, const char* version, const char* name) {
  const Schema* schema = Scheme::builtin().find({group, version, name});
  EXPECT_NE(schema, nullptr) << name;
  return *schema;
}

TEST(Schema, FindsKinds) {
  EXPECT_EQ(kind("", "v1", "Pod").name, "io.k8s.api.core.v1.Pod");
  EXPECT_EQ(kind("apps", "v1", "Deployment").kind->api_version(), "apps/v1");
  EXPECT_EQ(kind("", "v1", "Status").name, "io.k8s.apimachinery.pkg.apis.meta.v1.Status");
  EXPECT_EQ(&kind("apps", "v1", "DeleteOptions"), &kind("", "v1", "DeleteOptions"));
  EXPECT_EQ(&kind("meta.k8s.io", "v1", "DeleteOptions"), &kind("", "v1", "DeleteOptions"));
  EXPECT_EQ(Scheme::builtin().find({"apps", "v1", "PodExecOptions"}), nullptr);
  EXPECT_EQ(Scheme::builtin().find({"apps", "v1", "Pod"}), nullptr);
  EXPECT_EQ(Scheme::builtin().find({}), nullptr);
  EXPECT_EQ(&schema_of<core::v1::Pod>(), &kind("", "v1", "Pod"));
  EXPECT_EQ(Scheme::builtin().make(kind("", "v1", "Pod"))->GetDescriptor(), core::v1::Pod::descriptor());
}

TEST(Schema, OpenApiNames) {
  EXPECT_EQ(schema_of<meta::v1::Quantity>().name, "io.k8s.apimachinery.pkg.api.resource.Quantity");
  EXPECT_EQ(schema_of<meta::v1::IntOrString>().name, "io.k8s.apimachinery.pkg.util.intstr.IntOrString");
  EXPECT_EQ(schema_of<meta::v1::RawExtension>().name, "io.k8s.apimachinery.pkg.runtime.RawExtension");
  EXPECT_EQ(schema_of<meta::v1::ObjectMeta>().name, "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
}

TEST(Schema, InlineMembersStandInTheirParent) {
  const Schema& volume = schema_of<core::v1::Volume>();
  const Field* config_map = volume.field("configMap");
  ASSERT_NE(config_map, nullptr);
  EXPECT_EQ(config_map->path.size(), 2u);
  EXPECT_EQ(config_map->number, 19);
  EXPECT_EQ(volume.field("volumeSource"), nullptr);
  EXPECT_EQ(volume.fields.front().name, "name");
}

TEST(Schema, ListsMapsAndOptions) {
  const Schema& spec = schema_of<core::v1::PodSpec>();
  const Field& containers = *spec.field("containers");
  EXPECT_EQ(containers.schema->type, Type::List);
  EXPECT_EQ(containers.schema->list_type, ListType::Map);
  EXPECT_THAT(containers.schema->list_map_keys, ElementsAre("name"));
  EXPECT_EQ(containers.patch_merge_key, "name");
  EXPECT_THAT(containers.patch_strategies, ElementsAre("merge"));
  EXPECT_THAT(spec.field("volumes")->patch_strategies, ElementsAre("merge", "retainKeys"));
  EXPECT_TRUE(containers.required);
  EXPECT_TRUE(spec.field("terminationGracePeriodSeconds")->pointer);
  EXPECT_FALSE(spec.field("nodeName")->pointer);
  EXPECT_EQ(spec.field("nodeSelector")->schema->type, Type::Map);
  EXPECT_TRUE(spec.field("nodeSelector")->schema->atomic);
  EXPECT_TRUE(schema_of<meta::v1::LabelSelector>().atomic);
  EXPECT_EQ(schema_of<core::v1::ServicePort>().field("targetPort")->schema->type, Type::IntOrString);
}

TEST(Schema, AtomicCanBeOverriddenByAField) {
  EXPECT_TRUE(schema_of<core::v1::ObjectReference>().atomic);
  const Field& claim = *schema_of<core::v1::PersistentVolumeSpec>().field("claimRef");
  EXPECT_FALSE(claim.schema->atomic);
  ASSERT_NE(claim.schema->field("namespace"), nullptr);
  EXPECT_EQ(claim.schema->field("namespace")->name, "namespace");
}

TEST(Schema, AMessageAroundAListIsAList) {
  const Schema& extra = *schema_of<authentication::v1::UserInfo>().field("extra")->schema;
  EXPECT_EQ(extra.type, Type::Map);
  EXPECT_EQ(extra.element->type, Type::List);
  EXPECT_EQ(extra.element->element->type, Type::String);
}

TEST(Schema, Resources) {
  const Resource* pods = Scheme::builtin().resource("", "v1", "pods");
  ASSERT_NE(pods, nullptr);
  EXPECT_EQ(pods->storage_prefix, "/registry/pods");
  EXPECT_TRUE(pods->namespaced);
  EXPECT_TRUE(pods->has_verb("watch"));
  EXPECT_EQ(Scheme::builtin().resource(*pods->schema), pods);
  ASSERT_NE(pods->subresource("eviction"), nullptr);
  EXPECT_EQ(pods->subresource("eviction")->kind, (GroupVersionKind{"policy", "v1", "Eviction"}));
  EXPECT_EQ(Scheme::builtin().resource("", "v1", "serviceaccounts")->subresource("token")->kind.group, "authentication.k8s.io");
  EXPECT_EQ(Scheme::builtin().resource("events.k8s.io", "v1", "events")->stored_as, (GroupVersionKind{"", "v1", "Event"}));
  EXPECT_FALSE(Scheme::builtin().resource("", "v1", "events")->stored_as);
  EXPECT_EQ(Scheme::builtin().resource("autoscaling", "v1", "horizontalpodautoscalers")->stored_as,
            (GroupVersionKind{"autoscaling", "v2", "HorizontalPodAutoscaler"}));
}

TEST(Schema, EveryResourceIsComplete) {
  std::set<std::string> hashes;
  for (const Resource& resource : Scheme::builtin().resources()) {
    SCOPED_TRACE(resource.plural);
    ASSERT_NE(resource.schema, nullptr);
    EXPECT_FALSE(resource.singular.empty());
    EXPECT_FALSE(resource.verbs.empty());
    if (!resource.has_verb("list")) continue;
    EXPECT_NE(Scheme::builtin().find({resource.kind.group, resource.kind.version, resource.kind.kind + "List"}), nullptr);
    for (const Subresource& sub : resource.subresources)
      EXPECT_NE(Scheme::builtin().find(sub.kind), nullptr) << sub.name << " " << sub.kind.kind;
  }
  EXPECT_EQ(Scheme::builtin().resources().front().get().kind.group, "");
}

// No message has two members of one JSON name, and every struct has a name.
TEST(Schema, NamesAreUnique) {
  for (const Resource& resource : Scheme::builtin().resources()) {
    std::set<std::string> names;
    for (const Field& field : resource.schema->fields)
      EXPECT_TRUE(names.insert(field.name).second) << resource.plural << " " << field.name;
  }
}

ResourceRef custom(const char* group, const char* version, const char* plural, const std::shared_ptr<const Schema>& schema) {
  Resource resource;
  resource.kind = {group, version, "Thing"};
  resource.plural = plural;
  resource.schema = schema.get();
  resource.owner = schema;
  return std::make_shared<const Resource>(std::move(resource));
}

// Snapshots do not change; a resource is the same one in all of them.
TEST(Scheme, GrowsAndShrinks) {
  const auto v1 = std::make_shared<const Schema>(), v2 = std::make_shared<const Schema>(),
             next = std::make_shared<const Schema>();
  const Scheme& builtin = Scheme::builtin();
  const Scheme one = builtin.with({custom("example.com", "v1", "things", v1), custom("example.com", "v2", "things", v2)});
  const Scheme two = one.with({custom("a.example.com", "v1", "others", next)});
  const Scheme replaced = two.with({custom("example.com", "v2", "things", next)});
  const Scheme gone = replaced.without("example.com", "things");

  EXPECT_EQ(builtin.resource("example.com", "v1", "things"), nullptr);
  const Resource* thing = one.resource("example.com", "v1", "things");
  ASSERT_NE(thing, nullptr);
  EXPECT_EQ(thing, two.resource("example.com", "v1", "things"));
  EXPECT_EQ(one.find({"example.com", "v2", "Thing"}), v2.get());
  EXPECT_EQ(one.resource(*v1), thing);
  EXPECT_EQ(two.resources().size(), builtin.resources().size() + 3);
  EXPECT_EQ(two.resources().back().get().kind.group, "example.com") << "groups that nobody ranks come last, by name";
  EXPECT_EQ(two.resources().back().get().kind.version, "v1") << "the newest version comes first";
  EXPECT_EQ(two.resources()[builtin.resources().size()].get().kind.group, "a.example.com");

  EXPECT_EQ(replaced.resource("example.com", "v1", "things"), nullptr);
  EXPECT_EQ(replaced.find({"example.com", "v2", "Thing"}), next.get());
  EXPECT_EQ(gone.resource("example.com", "v2", "things"), nullptr);
  EXPECT_EQ(gone.find({"example.com", "v2", "Thing"}), nullptr);
  EXPECT_NE(gone.resource("a.example.com", "v1", "others"), nullptr);
  EXPECT_EQ(gone.resources().size(), builtin.resources().size() + 1);
  // Of built-in ones none goes.
  EXPECT_NE(gone.without("", "pods").resource("", "v1", "pods"), nullptr);
  EXPECT_EQ(gone.resource("", "v1", "pods"), builtin.resource("", "v1", "pods"));
}

}  // namespace
}  // namespace ph::api
