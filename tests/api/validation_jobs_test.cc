// batch/v1: policies and indexes of jobs, selectors the server makes, ends; zones of cron jobs.
#include "tests/api/validation_helpers.h"

#include "api/validation/job_indexes.h"
#include "api/validation/time_zones.h"

namespace ph::api {
namespace {

using namespace test;
using batch::v1::CronJob, batch::v1::Job;

std::string job_with(const std::string& members, const std::string& labels = R"("a":"b")") {
  return R"({"metadata":{"name":"j","namespace":"n","uid":"u"},"spec":{)" + members + R"("template":{"metadata":{"labels":{)" +
         labels + R"(}},"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}})";
}
std::string manual(const std::string& members) {
  return job_with(R"("manualSelector":true,"selector":{"matchLabels":{"a":"b"}},)" + members);
}
std::string indexed(const std::string& members) { return manual(R"("completionMode":"Indexed",)" + members); }
std::string failure_policy(const std::string& rule) { return manual(R"("podFailurePolicy":{"rules":[)" + rule + "]},"); }
std::string success_policy(const std::string& rule) {
  return indexed(R"("completions":5,"parallelism":1,"successPolicy":{"rules":[)" + rule + "]},");
}

TEST(JobValidation, Numbers) {
  const Case cases[] = {
      {"managed by someone", manual(R"("managedBy":"a.b/c",)"), {}},
      {"managed by nobody",
       manual(R"("managedBy":"x",)"),
       {R"(spec.managedBy: Invalid value: "x": must be a domain-prefixed path (such as "acme.io/foo"))"}},
      {"a limit of indexes, but none per index",
       indexed(R"("completions":3,"parallelism":1,"maxFailedIndexes":1,)"),
       {"spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified"}},
      {"more may fail than there are",
       indexed(R"("completions":3,"parallelism":1,"backoffLimitPerIndex":1,"maxFailedIndexes":4,)"),
       {"spec.maxFailedIndexes: Invalid value: 4: must be less than or equal to completions"}},
      {"too much at once",
       indexed(R"("completions":200001,"parallelism":100001,)"),
       {"spec.parallelism: Invalid value: 100001: must be less than or equal to 100000 when completion mode is Indexed"}},
      {"many indexes with a limit each",
       indexed(R"("completions":100001,"parallelism":10001,"backoffLimitPerIndex":1,)"),
       {"spec.maxFailedIndexes: Required value: must be specified when completions is above 100000",
        "spec.parallelism: Invalid value: 10001: must be less than or equal to 10000 when completions are above 100000 and used "
        "with backoff limit per index"}},
      {"a mode nobody knows",
       manual(R"("completionMode":"X",)"),
       {R"(spec.completionMode: Unsupported value: "X": supported values: "NonIndexed", "Indexed")"}},
  };
  creates<Job>(cases);
}

TEST(JobValidation, FailurePolicies) {
  const std::string rule = "spec.podFailurePolicy.rules[0]";
  const Case cases[] = {
      {"fine", failure_policy(R"({"action":"Count","onExitCodes":{"operator":"In","values":[1,2]}})"), {}},
      {"nothing to go by",
       failure_policy(R"({"action":"Count"})"),
       {rule + ": Invalid value: specifying one of OnExitCodes and OnPodConditions is required"}},
      {"no action",
       failure_policy(R"({"onPodConditions":[{"type":"X","status":"True"}]})"),
       {rule + R"(.action: Required value: valid values: ["Count" "FailIndex" "FailJob" "Ignore"])"}},
      {"an index that does not count",
       failure_policy(R"({"action":"FailIndex","onPodConditions":[{"type":"X","status":"True"}]})"),
       {rule + R"(.action: Invalid value: "FailIndex": requires the backoffLimitPerIndex to be set)"}},
      {"exit codes",
       failure_policy(R"({"action":"Count","onExitCodes":{"operator":"In","containerName":"d","values":[2,0,2]}})"),
       {rule +
            R"(.onExitCodes.containerName: Invalid value: "d": must be one of the container or initContainer names in the pod template)",
        rule + ".onExitCodes.values[1]: Invalid value: 0: must not be 0 for the In operator",
        rule + ".onExitCodes.values[2]: Duplicate value: 2",
        rule + ".onExitCodes.values: Invalid value: [2,0,2]: must be ordered"}},
      {"a status nobody knows",
       failure_policy(R"({"action":"Count","onPodConditions":[{"type":"X","status":"Maybe"}]})"),
       {rule + R"(.onPodConditions[0].status: Unsupported value: "Maybe": supported values: "False", "True", "Unknown")"}},
  };
  creates<Job>(cases);
}

TEST(JobValidation, SuccessPolicies) {
  const std::string rule = "spec.successPolicy.rules[0]";
  const Case cases[] = {
      {"fine", success_policy(R"({"succeededIndexes":"0,2-3","succeededCount":2})"), {}},
      {"no rule",
       success_policy(""),
       {"spec.successPolicy.rules: Required value: at least one rules must be specified when the successPolicy is specified"}},
      {"an empty one",
       success_policy("{}"),
       {rule + ": Required value: at least one of succeededCount or succeededIndexes must be specified"}},
      {"not indexed",
       manual(R"("successPolicy":{"rules":[{"succeededCount":1}]},)"),
       {R"(spec.successPolicy: Invalid value: {"Rules":[{"SucceededIndexes":null,"SucceededCount":1}]}: requires indexed completion mode)"}},
      {"an index too far",
       success_policy(R"({"succeededIndexes":"5"})"),
       {rule + R"(.succeededIndexes: Invalid value: "5": error parsing succeededIndexes: too large index: "5")"}},
      {"more than there are",
       success_policy(R"({"succeededIndexes":"0-1","succeededCount":6})"),
       {rule + ".succeededCount: Invalid value: 6: must be less than or equal to 5 (the number of specified completions)",
        rule + ".succeededCount: Invalid value: 6: must be less than or equal to 2 (the number of indexes in the specified "
               "succeededIndexes field)"}},
  };
  creates<Job>(cases);
}

TEST(JobValidation, Indexes) {
  const struct {
    const char* text;
    std::int64_t total;
    const char* problem = "";
  } cases[] = {
      {"", 0},
      {"0", 1},
      {"0,2-4,9", 5},
      {"+1", 1},
      {"x", 0, R"(cannot convert string to integer for index: "x")"},
      {"-1", 0, R"(cannot convert string to integer for index: "")"},
      {"1,", 0, R"(cannot convert string to integer for index: "")"},
      {"10", 0, R"(too large index: "10")"},
      {"1-2-3", 0,
       R"(the fragment "1-2-3" violates the requirement that an index interval can have at most two parts separated by '-')"},
      {"3-3", 0, "non-increasing order, previous: 3, current: 3"},
      {"1-3,3", 0, "non-increasing order, previous: 3, current: 3"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.text);
    const auto got = read_indexes(c.text, 10);
    std::int64_t total = 0;
    for (const IndexRange& range : got.value_or(std::vector<IndexRange>())) total += range.last - range.first + 1;
    EXPECT_EQ(total, c.total);
    EXPECT_EQ(got ? "" : got.error(), c.problem);
  }
  EXPECT_EQ(common_index("0-2,7", "3-6", 10), std::nullopt);
  EXPECT_EQ(common_index("0-2,7-9", "3-6,8", 10), 8);
  EXPECT_EQ(common_index("x,4", "4", 10), 4) << "what is no index names none";
}

// The server makes the selector of the job's UID: another is not it, and the pods must carry what it selects.
TEST(JobValidation, SelectorsOfTheServer) {
  const std::string own =
      R"("controller-uid":"u","job-name":"j","batch.kubernetes.io/controller-uid":"u","batch.kubernetes.io/job-name":"j")";
  const std::string labels = "spec.template.metadata.labels";
  const Case cases[] = {
      {"its own", job_with(R"("selector":{"matchLabels":{"batch.kubernetes.io/controller-uid":"u"}},)", own), {}},
      {"another's pods",
       job_with(R"("selector":{"matchLabels":{"a":"b"}},)"),
       {labels + "[controller-uid]: Required value: must be 'u'", labels + "[job-name]: Required value: must be 'j'",
        labels + "[batch.kubernetes.io/controller-uid]: Required value: must be 'u'",
        labels + "[batch.kubernetes.io/job-name]: Required value: must be 'j'",
        R"(spec.selector: Invalid value: {"matchLabels":{"a":"b"}}: `selector` not auto-generated)"}},
      {"none",
       job_with(""),
       {"spec.selector: Required value", labels + R"(: Invalid value: {"a":"b"}: `selector` does not match template `labels`)"}},
  };
  creates<Job>(cases);
}

TEST(JobValidation, OnUpdate) {
  const struct {
    const char* name;
    std::string old, now;
    Lines expected;
  } cases[] = {
      {"more at once", manual(""), manual(R"("parallelism":3,"completions":1,)"), {}},
      {"an indexed job grows",
       indexed(R"("completions":3,"parallelism":3,)"),
       indexed(R"("completions":4,"parallelism":4,)"),
       {}},
      {"but not its indexes alone",
       indexed(R"("completions":3,"parallelism":3,)"),
       indexed(R"("completions":4,"parallelism":3,)"),
       {"spec.completions: Invalid value: 4: can only be modified in tandem with spec.parallelism"}},
      {"another manager",
       manual(R"("managedBy":"a.b/c",)"),
       manual(""),
       {"spec.managedBy: Invalid value: null: field is immutable"}},
      {"told twice, once as new",
       manual(""),
       manual(R"("backoffLimit":-1,)"),
       {"spec.backoffLimit: Invalid value: -1: must be greater than or equal to 0",
        "spec.backoffLimit: Invalid value: -1: must be greater than or equal to 0"}},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(update_problems<Job>(c.old, c.now), c.expected);
  }
}

// What a suspended job's pods ask for and where they go can be chosen until it starts.
TEST(JobValidation, TemplatesOfSuspendedJobs) {
  const auto job = [](bool suspended, const std::string& pod, const std::string& status = "") {
    std::string out = manual(suspended ? R"("suspend":true,)" : "");
    out.insert(out.find(R"("restartPolicy")"), pod);
    out.insert(out.size() - 1, status);
    return out;
  };
  const std::string selector = R"("nodeSelector":{"x":"y"},)", deadline = R"("activeDeadlineSeconds":5,)";
  const std::string started = R"(,"status":{"startTime":"2026-01-01T00:00:00Z"})";
  EXPECT_EQ(update_problems<Job>(job(true, ""), job(false, selector)), Lines{});
  const auto refused = [](const std::string& old, const std::string& now) -> std::string {
    const Lines lines = update_problems<Job>(old, now);
    return lines.size() == 1 && lines[0].ends_with(": field is immutable") ? lines[0].substr(0, lines[0].find(':')) : "?";
  };
  EXPECT_EQ(refused(job(true, ""), job(true, deadline)), "spec.template.spec");
  EXPECT_EQ(refused(job(true, "", started), job(true, selector, started)), "spec.template");
  EXPECT_EQ(refused(job(false, ""), job(false, selector)), "spec.template");
}

std::string with_status(const std::string& status, const std::string& members = R"("completions":5,)") {
  return R"({"metadata":{"name":"j"},"spec":{)" + members + R"("template":{}},"status":{)" + status + "}}";
}
std::string conditions(const std::vector<const char*>& types) {
  std::string out;
  for (const char* type : types) out += std::string(out.empty() ? "" : ",") + R"({"type":")" + type + R"(","status":"True"})";
  return R"("conditions":[)" + out + "]";
}

TEST(JobValidation, Status) {
  const std::string start = R"(,"startTime":"2026-01-01T00:00:00Z")", end = R"(,"completionTime":"2026-01-01T00:01:00Z")";
  const std::string complete = conditions({"SuccessCriteriaMet", "Complete"}) + start + end;
  const std::string of_mode = "status.conditions: Invalid value: ";
  const struct {
    const char* name;
    std::string old, now;
    Lines expected;
  } cases[] = {
      {"complete", with_status(""), with_status(complete), {}},
      {"complete alone",
       with_status(""),
       with_status(conditions({"Complete"})),
       {"status.completionTime: Required value: completionTime is required for Complete jobs",
        of_mode + "cannot set Complete=True condition without the SuccessCriteriaMet=true condition",
        "status.startTime: Required value: startTime is required for finished job"}},
      {"complete and never begun: it was suspended, and nothing was to be done",
       with_status("", R"("completions":0,"suspend":true,)"),
       with_status(conditions({"SuccessCriteriaMet", "Complete"}) + end, R"("completions":0,"suspend":true,)"),
       {}},
      {"complete and never begun: it was suspended",
       with_status("", R"("completions":1,"suspend":true,)"),
       with_status(conditions({"SuccessCriteriaMet", "Complete"}) + end, R"("completions":1,"suspend":true,)"),
       {"status.startTime: Required value: startTime is required for finished job"}},
      {"it was so before there was the rule",
       with_status(conditions({"Complete"})),
       with_status(conditions({"Complete"}) + R"(,"succeeded":1)"),
       {}},
      {"failed alone",
       with_status(""),
       with_status(conditions({"Failed"}) + start),
       {of_mode + "cannot set Failed=True condition without the FailureTarget=true condition"}},
      {"failed and complete",
       with_status(""),
       with_status(conditions({"Complete", "SuccessCriteriaMet", "FailureTarget", "Failed"}) + start + end),
       {of_mode + "cannot set Complete=True and Failed=true conditions",
        of_mode + "cannot set Complete=True and FailureTarget=true conditions",
        of_mode + "cannot set SuccessCriteriaMet=True and Failed=true conditions",
        of_mode + "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions"}},
      {"over before it began",
       with_status(""),
       with_status(conditions({"SuccessCriteriaMet", "Complete"}) + R"(,"startTime":"2026-01-01T00:02:00Z")" + end),
       {R"(status.completionTime: Invalid value: "2026-01-01T00:01:00Z": completionTime cannot be set before startTime)"}},
      {"pods that still run",
       with_status(""),
       with_status(complete + R"(,"active":1,"terminating":1,"uncountedTerminatedPods":{"failed":["x"]})"),
       {"status.active: Invalid value: 1: active>0 is invalid for finished job",
        R"(status.uncountedTerminatedPods: Invalid value: {"Succeeded":null,"Failed":["x"]}: uncountedTerminatedPods needs to be empty for finished job)",
        "status.terminating: Invalid value: 1: terminating>0 is invalid for finished job"}},
      {"counted twice",
       with_status(""),
       with_status(R"("uncountedTerminatedPods":{"succeeded":["x",""],"failed":["x"]})"),
       {R"(status.uncountedTerminatedPods.succeeded[1]: Invalid value: "": must not be empty)",
        R"(status.uncountedTerminatedPods.failed[0]: Duplicate value: "x")"}},
      {"more ready than there are",
       with_status(""),
       with_status(R"("active":1,"ready":2)"),
       {"status.ready: Invalid value: 2: cannot set more ready pods than active"}},
      {"indexes of a job that has none",
       with_status(""),
       with_status(R"("completedIndexes":"0","failedIndexes":"1")"),
       {R"(status.completedIndexes: Invalid value: "0": cannot set non-empty completedIndexes when non-indexed completion mode)",
        R"(status.failedIndexes: Invalid value: "1": cannot set non-null failedIndexes when backoffLimitPerIndex is null)"}},
      {"an index that did both",
       with_status("", R"("completions":5,"completionMode":"Indexed","backoffLimitPerIndex":1,)"),
       with_status(R"("completedIndexes":"0-2","failedIndexes":"2,9")",
                   R"("completions":5,"completionMode":"Indexed","backoffLimitPerIndex":1,)"),
       {R"(status.failedIndexes: Invalid value: "2,9": error parsing failedIndexes: too large index: "9")",
        R"(status.failedIndexes: Invalid value: "2,9": failedIndexes and completedIndexes overlap at index: 2)"}},
      {"taken back",
       with_status(complete + R"(,"failed":2,"succeeded":2)"),
       with_status(R"("failed":1,"succeeded":1,"completionTime":"2026-01-01T00:02:00Z")"),
       {R"(status.completionTime: Invalid value: "2026-01-01T00:02:00Z": cannot set completionTime when there is no Complete=True condition)",
        of_mode + "cannot disable the terminal Complete=True condition",
        "status.failed: Invalid value: 1: cannot decrease the failed counter",
        "status.succeeded: Invalid value: 1: cannot decrease the succeeded counter",
        R"(status.completionTime: Invalid value: "2026-01-01T00:02:00Z": completionTime cannot be mutated)",
        "status.startTime: Required value: startTime cannot be removed for unsuspended job",
        of_mode + "cannot disable the SuccessCriteriaMet=True condition"}},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(status_problems<Job>(c.old, c.now), c.expected);
  }
}

std::string cron_with(const std::string& members, const std::string& job = "") {
  return R"({"metadata":{"name":"x","namespace":"n"},"spec":{)" + members + R"("jobTemplate":{"spec":{)" + job +
         R"("template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}}}})";
}

TEST(CronJobValidation, Zones) {
  const std::string daily = R"("schedule":"@daily",)";
  const auto unknown = [](const std::string& zone) {
    return R"(spec.timeZone: Invalid value: ")" + zone + R"(": unknown time zone )" + zone;
  };
  const std::string explicit_zone = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
  const Case cases[] = {
      {"a city", cron_with(daily + R"("timeZone":"Europe/Paris",)"), {}},
      {"the world's", cron_with(daily + R"("timeZone":"Etc/UTC",)"), {}},
      {"capitals count", cron_with(daily + R"("timeZone":"europe/paris",)"), {unknown("europe/paris")}},
      {"none such", cron_with(daily + R"("timeZone":"Atlantis/Poseidonis",)"), {unknown("Atlantis/Poseidonis")}},
      {"empty",
       cron_with(daily + R"("timeZone":"",)"),
       {R"(spec.timeZone: Invalid value: "": timeZone must be nil or non-empty string)"}},
      {"the machine's own",
       cron_with(daily + R"("timeZone":"Local",)"),
       {R"(spec.timeZone: Invalid value: "Local": )" + explicit_zone}},
      {"in the schedule",
       cron_with(R"("schedule":"CRON_TZ=UTC 0 * * * *",)"),
       {R"(spec.schedule: Invalid value: "CRON_TZ=UTC 0 * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead)"}},
      {"a selector",
       cron_with(daily, R"("manualSelector":true,"selector":{"matchLabels":{"a":"b"}},)"),
       {R"(spec.jobTemplate.spec.selector: Invalid value: {"matchLabels":{"a":"b"}}: `selector` will be auto-generated)",
        R"(spec.jobTemplate.spec.manualSelector: Unsupported value: true: supported values: "nil", "false")"}},
  };
  creates<CronJob>(cases);
  const std::string old = cron_with(daily + R"("timeZone":"Atlantis/Poseidonis",)");
  EXPECT_EQ(update_problems<CronJob>(old, cron_with(R"("schedule":"@hourly","timeZone":"Atlantis/Poseidonis",)")), Lines{})
      << "a zone that is no more remains";
  EXPECT_EQ(update_problems<CronJob>(cron_with(daily), old).size(), 1u);
  EXPECT_FALSE(is_time_zone("Europe"));
  EXPECT_FALSE(is_time_zone(""));
}

}  // namespace
}  // namespace ph::api
