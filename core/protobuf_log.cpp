#include "core/protobuf_log.hpp"

#include <google/protobuf/stubs/logging.h>

namespace melder {

void silence_protobuf() {
    [[maybe_unused]] static const auto former = google::protobuf::SetLogHandler(nullptr);
}

}  // namespace melder
