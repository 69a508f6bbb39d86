#include "api/descriptions.h"

#include <gtest/gtest.h>

#include <set>

#include "api/kinds.h"

namespace ph::api {
namespace {

// With all that it is made of.
void collect(const Schema& schema, std::set<const Schema*>& into) {
  if (!into.insert(&schema).second) return;
  if (schema.element) collect(*schema.element, into);
  for (const Field& field : schema.fields) collect(*field.schema, into);
}

void check(std::string_view text, const std::string& of) {
  EXPECT_TRUE(text.ends_with('.')) << of << ": \"" << text << '"';
  EXPECT_LE(text.size(), 250u) << of;
  EXPECT_EQ(text.find('\n'), text.npos) << of;
}

TEST(Descriptions, AreThereForAllThatIsServed) {
  std::set<const Schema*> schemas;
  for (const Resource& resource : Scheme::builtin().resources()) {
    collect(*resource.schema, schemas);
    for (const Subresource& sub : resource.subresources) {
      if (const Schema* schema = Scheme::builtin().find(sub.kind)) collect(*schema, schemas);
    }
  }
  EXPECT_GT(schemas.size(), 600u);
  for (const Schema* schema : schemas) {
    if (!schema->name.empty()) check(description(*schema), schema->name);
    for (const Field& field : schema->fields) check(description(field), schema->name + "." + field.name);
  }
}

TEST(Descriptions, AreTheCommentsOfTheProtos) {
  const auto of = [](const Schema& schema, std::string_view field) { return description(*schema.field(field)); };
  const Schema& service = schema_of<core::v1::ServiceSpec>();
  EXPECT_EQ(description(service), "How a service is reached, and by which pods it is answered.");
  EXPECT_EQ(of(service, "externalName"), "The DNS name an ExternalName service is an alias for.");
  EXPECT_EQ(of(service, "sessionAffinity"), "ClientIP keeps a client with a pod, None (default) does not.");
  EXPECT_EQ(of(schema_of<core::v1::Volume>(), "nfs"), of(schema_of<core::v1::VolumeSource>(), "nfs")) << "of an inline message";
  // Quotes and line breaks.
  EXPECT_EQ(of(schema_of<rbac::v1::PolicyRule>(), "apiGroups"),
            "The groups of the resources; \"\" for the core group, * for all.");
  EXPECT_TRUE(of(schema_of<storage::v1::StorageClass>(), "volumeBindingMode").ends_with("is placed. It cannot be changed."));
}

TEST(Descriptions, OfMetadataAreItsTypes) {
  const Schema& meta = schema_of<meta::v1::ObjectMeta>();
  EXPECT_EQ(description(*schema_of<core::v1::Pod>().field("metadata")), description(meta));
  EXPECT_NE(description(*schema_of<core::v1::PodTemplateSpec>().field("metadata")), description(meta)) << "has one of its own";
}

TEST(Descriptions, AreNotKnownOfCustomKinds) {
  Schema custom;
  custom.custom = true;
  custom.name = "com.example.v1.Widget";
  EXPECT_EQ(description(custom), "");
  EXPECT_EQ(description(Field{.name = "spec", .schema = &custom}), "");
}

}  // namespace
}  // namespace ph::api
