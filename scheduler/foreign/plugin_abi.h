/* The interface of scheduler plugins that come as shared objects: version 1. For C, and all that can be called from C.
 *
 * A shared object is one plugin. It exports
 *
 *     const struct ph_plugin *ph_scheduler_plugin(void);
 *
 * which returns a table that stays as it is. The scheduler reads `abi` of it first, and refuses another version than its own.
 * docs/scheduler-plugins.md says how to build one and how to put it into a profile; manifests/scheduler-plugin/ is one.
 *
 * Rules. All calls for one `self` come from one thread, one after another, and a scheduler waits meanwhile: be quick, ask nobody.
 * What a call is given is valid until it returns, and nothing of it is the plugin's to change or to free. Texts have lengths and may
 * hold any bytes. No exception may leave a call: one that does is the call's failure. A failure fails the pod's attempt, with the
 * plugin's name; the pod is tried again. */
#ifndef PH_SCHEDULER_PLUGIN_ABI_H
#define PH_SCHEDULER_PLUGIN_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PH_PLUGIN_ABI 1
#define PH_SCORE_MOST INT64_C(1000000000000000) /* and as much below zero */

struct ph_text {
  const char* data; /* without a zero at the end; may be null when `size` is 0 */
  size_t size;
};

struct ph_label {
  struct ph_text key, value;
};

struct ph_amount {
  struct ph_text resource;
  int64_t amount; /* cpu in thousandths, everything else in units */
};

struct ph_taint {
  struct ph_text key, value, effect;
};

/* What the plugin reads of a pod. Of what it does not declare it is given nothing: pods that are equal in all that the plugins of a
 * profile read are judged once. */
enum {
  PH_POD_NAMESPACE = 1,
  PH_POD_NAME = 2, /* and the UID. No two pods are equal then: nothing is kept */
  PH_POD_PRIORITY = 4,
  PH_POD_LABELS = 8,
  PH_POD_NODE_SELECTOR = 16,
  PH_POD_REQUESTS = 32
};

struct ph_pod {
  struct ph_text namespace_name, name, uid;
  int32_t priority;
  /* Sorted by key. */
  const struct ph_label* labels;
  size_t label_count;
  const struct ph_label* node_selector;
  size_t node_selector_count;
  /* cpu, memory, ephemeral-storage, then the others by name; only what is asked for. */
  const struct ph_amount* requests;
  size_t request_count;
};

/* What it reads of a node, besides its name. From that follows what has to be asked anew after a change, and which changes wake a pod
 * that the plugin has refused. */
enum {
  PH_NODE_LABELS = 1,
  PH_NODE_ANNOTATIONS = 2,
  PH_NODE_TAINTS = 4,      /* and `unschedulable` */
  PH_NODE_ALLOCATABLE = 8, /* and `pods_most` */
  PH_NODE_REQUESTED = 16   /* by the pods on it; and `pods` */
};

struct ph_node {
  struct ph_text name;
  const struct ph_label* labels; /* sorted by key */
  size_t label_count;
  const struct ph_label* annotations; /* sorted by key */
  size_t annotation_count;
  const struct ph_taint* taints;
  size_t taint_count;
  int32_t unschedulable; /* 0 or 1 */
  const struct ph_amount* allocatable;
  size_t allocatable_count;
  const struct ph_amount* requested;
  size_t requested_count;
  int64_t pods, pods_most;
};

/* Where a call says why. Without anything written there, the plugin's name stands for it. */
struct ph_words {
  char* data;      /* to write to */
  size_t capacity; /* bytes there */
  size_t size;     /* how many are written; 0 before the call */
};

enum ph_answer {
  PH_YES = 0,
  PH_NO = 1,    /* filter: not this node now; it may fit when less important pods have gone */
  PH_NEVER = 2, /* filter: not this node, whoever goes */
  PH_FAILED = 3 /* it cannot be told */
};

enum {
  /* `filter` and `score` go by nothing but what they read of the pod and the node, and the arguments: answers may be kept. Without it
   * they are asked for every pod and every node, and every event of the cluster wakes a pod that was refused. */
  PH_PLUGIN_KEEPABLE = 1,
  /* Scores are of any size up to PH_SCORE_MOST: the highest of an attempt becomes 100, the others in proportion. Without it they are 0
   * to 100. */
  PH_PLUGIN_SCORES_SCALED = 2,
  /* The same, turned around: the highest becomes 0, and 0 becomes 100. */
  PH_PLUGIN_SCORES_REVERSED = 4
};

struct ph_plugin {
  uint32_t abi;  /* PH_PLUGIN_ABI */
  uint32_t size; /* sizeof(struct ph_plugin) */
  struct ph_text name;
  uint32_t reads_of_pod, reads_of_node, flags;

  /* One for each profile that the plugin stands in. `arguments`: `args` of the profile's `pluginConfig`, as JSON; empty where there are
   * none. Null: there is nothing to make, and `self` is null. PH_YES, or PH_FAILED. */
  int32_t (*create)(struct ph_text arguments, void** self, struct ph_words* why);
  /* Null: there is nothing to end. */
  void (*destroy)(void* self);

  /* At least one of the two. */
  int32_t (*filter)(void* self, const struct ph_pod* pod, const struct ph_node* node, struct ph_words* why);
  int32_t (*score)(void* self, const struct ph_pod* pod, const struct ph_node* node, int64_t* score, struct ph_words* why);
};

typedef const struct ph_plugin* (*ph_scheduler_plugin_entry)(void);
#define PH_SCHEDULER_PLUGIN_SYMBOL "ph_scheduler_plugin"

#ifdef __cplusplus
}
#endif
#endif
