// Answers.
#pragma once

#include <vector>

#include "apiserver/rest/core.h"
#include "apiserver/rest/encode.h"

namespace ph::apiserver {

// All of it on any thread (base/anywhere.h).
Encoding encoding_of(const Front& front, const Call& call);

// A stored object, already in the form its resource shows (`shown`). Its body is made where the answer is sent; that of a small one
// here, when this is such a place.
HttpResponse answer_entry(const Front& front, const Call& call, int status, EntryRef entry);
// A list; its body is made where the answer is sent.
HttpResponse answer_list(const Front& front, const Call& call, std::vector<EntryRef> entries, meta::v1::ListMeta metadata);
// Any other object.
HttpResponse answer_message(const Form& form, int status, const Message& object);
HttpResponse answer_status(const Form& form, const meta::v1::Status& status);
// 404 in plain words, for a path that is of no group which is built in: nobody has a Status for it.
HttpResponse answer_no_page();
// 429, in plain words too: others were there before.
HttpResponse answer_too_many();
// What an action without an object of its own is answered with.
meta::v1::Status success();

}  // namespace ph::apiserver
