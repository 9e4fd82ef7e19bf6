// 1:1 sessions and the sealed envelope, one core, nothing stored. Measured against DESIGN section 11: session from
// bundle ≤ 400 µs, ping-pong message ≤ 170 µs, steady encrypt / decrypt of 200 bytes ≤ 8 / 10 µs. The sealed layer
// costs one key generation and two DH a recipient to send (one when DH(s,R) is cached) and two DH to receive.

#include <benchmark/benchmark.h>

#include "sdk/crypto/sealed_envelope.hpp"
#include "tests/core/police_force.hpp"
#include "tests/sdk/crypto/session_device.hpp"

namespace melder::sdk {
namespace {

using testing::Device;

constexpr std::size_t text_bytes = 200;
constexpr std::int64_t messages_a_round = 500;  // below the counter jump that the layer allows

/// Two devices past their first messages.
struct Conversation {
    Device anna{system_random()};
    Device ben{system_random()};
    std::string text = std::string(text_bytes, 'x');

    Conversation() {
        anna.begin(ben);
        ben.take(anna, anna.send(ben, text));
        anna.take(ben, ben.send(anna, text));
        ben.take(anna, anna.send(ben, text));
    }
};

void session_from_bundle(benchmark::State& state) {
    Device anna(system_random());
    const Device ben(system_random());
    const auto bundle = ben.bundle();
    for (auto _ : state)
        benchmark::DoNotOptimize(anna.layer.process_bundle(ben.certified(), bundle).value());
}
BENCHMARK(session_from_bundle)->Unit(benchmark::kMicrosecond);

/// A message that turns the ratchet: encrypted by one, decrypted by the other, who answers next.
void ping_pong_message(benchmark::State& state) {
    Conversation talk;
    auto* from = &talk.anna;
    auto* to = &talk.ben;
    for (auto _ : state) {
        benchmark::DoNotOptimize(to->take(*from, from->send(*to, talk.text)));
        std::swap(from, to);
    }
}
BENCHMARK(ping_pong_message)->Unit(benchmark::kMicrosecond);

void steady_encrypt(benchmark::State& state) {
    Conversation talk;
    for (auto _ : state)
        benchmark::DoNotOptimize(talk.anna.send(talk.ben, talk.text));
}
BENCHMARK(steady_encrypt)->Unit(benchmark::kMicrosecond);

/// One iteration is a round of messages, so that stopping the clock for encrypting them does not count.
void steady_decrypt(benchmark::State& state) {
    Conversation talk;
    for (auto _ : state) {
        state.PauseTiming();
        std::vector<Device::Sent> round;
        for (std::int64_t i = 0; i < messages_a_round; ++i)
            round.push_back(talk.anna.send(talk.ben, talk.text));
        state.ResumeTiming();
        for (const auto& sent : round)
            benchmark::DoNotOptimize(talk.ben.take(talk.anna, sent));
    }
    state.counters["a_message"] = benchmark::Counter(static_cast<double>(state.iterations() * messages_a_round),
                                                     benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(steady_decrypt)->Unit(benchmark::kMicrosecond);

/// A sender with a credential, and as many recipients as asked for.
struct Upload {
    melder::testing::PoliceForce force;
    melder::testing::PoliceForce::Phone sender = force.phone();
    std::vector<X25519KeyPair> identities;
    std::vector<SealRecipient> recipients;
    Bytes body;

    explicit Upload(std::int64_t count) {
        for (std::int64_t i = 0; i < count; ++i) {
            identities.push_back(generate_x25519(force.random));
            recipients.push_back(
                {force.random.id<EnrolmentId>(), identities.back().public_key, force.random.id<EnvelopeId>(), nullptr});
        }
        const auto credential = sender.credential().SerializeAsString();
        const auto append = [this](BytesView more) { body.insert(body.end(), more.begin(), more.end()); };
        append(Bytes{0x0a, 16});  // SealedBody.sender_id
        append(sender.grant.enrolment_id.view());
        append(Bytes{0x12, static_cast<Byte>((credential.size() & 0x7f) | 0x80),
                     static_cast<Byte>(credential.size() >> 7)});
        append(view(credential));
        append(Bytes{0x7a, static_cast<Byte>(text_bytes | 0x80), static_cast<Byte>(text_bytes >> 7)});
        append(Bytes(text_bytes, Byte{'x'}));
    }
    [[nodiscard]] Sealed sealed() {
        return seal({}, body, sender.grant.enrolment_id, sender.identity, recipients, system_random()).value();
    }
};

void seal_for(benchmark::State& state) {
    Upload upload(state.range(0));
    for (auto _ : state)
        benchmark::DoNotOptimize(upload.sealed());
}
BENCHMARK(seal_for)->Arg(1)->Arg(50)->Unit(benchmark::kMicrosecond);

/// What one device does, whatever the fan-out; the credential is verified already.
void open_one_of(benchmark::State& state) {
    Upload upload(state.range(0));
    const auto sealed = upload.sealed();
    const auto encoded = upload.sender.credential().SerializeAsString();
    const auto credential = Credential::verify(view(encoded), upload.force.trust).value();
    const auto& self = upload.recipients.back();
    for (auto _ : state) {
        auto opened =
            open(sealed.body, sealed.headers.back(), {self.device, upload.identities.back(), self.envelope_id}).value();
        benchmark::DoNotOptimize(std::move(opened).authenticate(credential).value());
    }
}
BENCHMARK(open_one_of)->Arg(1)->Arg(50)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace melder::sdk

BENCHMARK_MAIN();
