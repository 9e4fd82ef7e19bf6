#pragma once
// A police force of any size, the same each time: invented names with the frequencies of real ones (a few very common
// surnames, many rare ones), service numbers, a tree of 1,001 units three deep.

#include <array>
#include <string>
#include <vector>

#include "core/random.hpp"

namespace melder::bench {

struct SampleOfficer {
    OfficerId id;
    std::string name, number;
    std::vector<std::string> unit;
};
struct SampleUnit {
    std::vector<std::string> path;
    std::string name;
};

class SampleForce {
public:
    static constexpr std::size_t departments = 20;
    static constexpr std::size_t stations = 49;  ///< of each

    [[nodiscard]] static std::vector<SampleUnit> units() {
        std::vector<SampleUnit> out{{{"LP"}, "Landespolizei"}};
        for (std::size_t d = 0; d < departments; ++d) {
            out.push_back({{"LP", "D" + std::to_string(d)}, "Direktion " + std::to_string(d)});
            for (std::size_t s = 0; s < stations; ++s)
                out.push_back({{"LP", "D" + std::to_string(d), "R" + std::to_string(s)},
                               "Revier Münsterstraße " + std::to_string(s)});
        }
        return out;
    }
    /// The next officer; his number is 10,000,000 and on.
    [[nodiscard]] SampleOfficer next() {
        const auto number = std::to_string(10'000'000 + count_++);
        return {random_.id<OfficerId>(),
                pick(first_names) + " " + surname(),
                number,
                {"LP", "D" + std::to_string(below(departments)), "R" + std::to_string(below(stations))}};
    }

private:
    [[nodiscard]] std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_.u64() % n); }
    template <std::size_t N>
    [[nodiscard]] std::string pick(const std::array<const char*, N>& words) {
        return words[below(N)];
    }
    [[nodiscard]] std::string surname() {
        if (below(5) == 0) return pick(common);  // a fifth of all people share a few names
        auto name = pick(beginnings) + pick(middles) + pick(ends);
        return below(30) == 0 ? name + "-" + pick(common) : name;
    }

    static constexpr std::array first_names{"Anna",  "Bela",   "Clara", "Deniz", "Émile",  "Fatma", "Günther", "Hanna",
                                            "Igor",  "Jürgen", "Katja", "Lukas", "Maria",  "Noël",  "Özlem",   "Paul",
                                            "Renée", "Stefan", "Tarik", "Ute",   "Volker", "Wanda", "Yusuf",   "Zoë"};
    static constexpr std::array common{"Müller", "Schmidt", "Schneider", "Fischer",  "Weber",   "Meyer",
                                       "Wagner", "Becker",  "Schulz",    "Hoffmann", "Schäfer", "Weiß"};
    static constexpr std::array beginnings{"Al",  "Bau", "Bren", "Dör", "Ei", "Feld", "Gro", "Hei",  "Jä",  "Kö",
                                           "Lin", "Mar", "Neu",  "Ost", "Pe", "Rei",  "Sei", "Thal", "Vog", "Wil"};
    static constexpr std::array middles{"ber", "den", "ger", "häu", "ken", "ler", "mei", "nau", "rich", "schö"};
    static constexpr std::array ends{"bach", "berg", "feld", "hof", "mann", "ner", "ser", "stein", "thal", "wald"};

    SeededRandom random_{50'000};
    std::size_t count_ = 0;
};

}  // namespace melder::bench
