#include "core/transcript.hpp"

namespace melder {

Bytes login_transcript(Context context, const TlsExporter& exporter, BytesView hello, BytesView body) {
    Bytes bound(exporter.begin(), exporter.end());
    for (const auto& hash : {sha256(hello), sha256(body)}) {
        bound.insert(bound.end(), hash.view().begin(), hash.view().end());
    }
    return signing_input(context, bound);
}

}  // namespace melder
