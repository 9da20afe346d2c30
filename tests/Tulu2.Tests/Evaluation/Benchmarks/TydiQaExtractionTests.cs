using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Benchmarks.TydiQa;
using Xunit;

namespace Tulu2.Tests.Evaluation.Benchmarks;

public sealed class TydiQaExtractionTests
{
    /// <summary>Output, reference answers, language; F1 and exact match of SQuAD's script (run in Python), then those of the fixed mode, by thought.</summary>
    public static TheoryData<string, string[], string, double, double, double, double> Awkward => new()
    {
        { "Paris", ["Paris"], "english", 1.0, 1, 1, 1 },
        { "paris.", ["Paris"], "english", 1.0, 1, 1, 1 },
        { "The Paris", ["Paris"], "english", 1.0, 1, 1, 1 },
        { "in Paris", ["Paris"], "english", 0.6666666666666666, 0, 0.6666666666666666, 0 },
        { "", ["Paris"], "english", 0, 0, 0, 0 },
        { "", [""], "english", 0, 1, 0, 1 },
        { "the", ["a"], "english", 0, 1, 0, 1 },
        { "Paris, France", ["Paris", "Paris France"], "english", 1.0, 1, 1, 1 },
        { "12-13", ["1213"], "english", 1.0, 1, 1, 1 },
        { "12–13", ["1213"], "english", 0, 0, 1, 1 },
        { "1,234", ["1234"], "english", 1.0, 1, 1, 1 },
        { "1990 1990", ["1990"], "english", 0.6666666666666666, 0, 0.6666666666666666, 0 },
        { "“Paris”", ["Paris"], "english", 0, 0, 1, 1 },
        { "$5", ["5"], "english", 1.0, 1, 1, 1 },
        { "€5", ["5"], "english", 0, 0, 1, 1 },
        { "U.S.A.", ["USA"], "english", 1.0, 1, 1, 1 },
        { "the a an", ["x"], "english", 0, 0, 0, 0 },
        { "theatre", ["the atre"], "english", 0, 0, 0, 0 },
        { "a_b", ["ab"], "english", 1.0, 1, 1, 1 },
        { "١٩٩٠", ["1990"], "arabic", 0, 0, 1, 1 },
        { "১৯৯০", ["1990"], "bengali", 0, 0, 1, 1 },
        { "1990।", ["1990"], "bengali", 0, 0, 1, 1 },
        { "القاهرة،", ["القاهرة"], "arabic", 0, 0, 1, 1 },
        { "a talo", ["talo"], "finnish", 1.0, 1, 0.6666666666666666, 0 },
        { "an", ["an"], "swahili", 0, 1, 1, 1 },
        { "TALO", ["talo"], "finnish", 1.0, 1, 1, 1 },
        { "Москва.", ["москва"], "russian", 1.0, 1, 1, 1 },
        { "«Москва»", ["Москва"], "russian", 0, 0, 1, 1 },
        { "ΣΟΦΟΣ", ["σοφοσ"], "english", 0, 0, 0, 0 },
        { "ΣΟΦΟΣ", ["σοφος"], "english", 1.0, 1, 1, 1 },
        { "İstanbul", ["istanbul"], "english", 0, 0, 0, 0 },
        { "ﬁsh", ["fish"], "english", 0, 0, 0, 0 },
        { "군사령관", ["군사령관"], "korean", 1.0, 1, 1, 1 },
        { "군사령관이다", ["군사령관"], "korean", 0, 0, 0, 0 },
        { "తెలుగు", ["తెలుగు"], "telugu", 1.0, 1, 1, 1 },
        { "తెలుగు.", ["తెలుగు"], "telugu", 1.0, 1, 1, 1 },
        { "Jibu ni 5", ["5"], "swahili", 0.5, 0, 0.5, 0 },
        { "5\n", ["5"], "english", 1.0, 1, 1, 1 },
        { "5\u00a06", ["5 6"], "english", 1.0, 1, 1, 1 },
        { "5\u200b6", ["56"], "english", 0, 0, 1, 1 },
        { "x\u0301 the", ["x\u0301"], "english", 1.0, 1, 1, 1 },
        { "the\u0301 x", ["\u0301 x"], "english", 1.0, 1, 1, 1 },
        { "²", ["2"], "english", 0, 0, 0, 0 },
        { "1/2", ["12"], "english", 1.0, 1, 1, 1 },
        { "50%", ["50"], "english", 1.0, 1, 1, 1 },
        { "{(x)}", ["x"], "english", 1.0, 1, 1, 1 },
        { "e\u0301", ["é"], "english", 0, 0, 0, 0 },
        { "Ｐａｒｉｓ！", ["paris"], "english", 0, 0, 1, 1 },
        { "１２", ["12"], "korean", 0, 0, 1, 1 },
    };

    [Theory]
    [MemberData(nameof(Awkward))]
    public void Awkward_outputs_have_the_original_scores_and_those_of_all_scripts(
        string output, string[] references, string language, double f1, double exact, double fixedF1, double fixedExact)
    {
        Assert.Equal((f1, exact), SquadMetric.Score(output.Trim(), references, EvaluationMode.Parity, language));
        Assert.Equal((fixedF1, fixedExact), SquadMetric.Score(output.Trim(), references, EvaluationMode.Fixed, language));
    }
}
