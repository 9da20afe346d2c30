using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Benchmarks.AlpacaEval;
using Xunit;

namespace Tulu2.Tests.Evaluation.Benchmarks.AlpacaEval;

/// <summary>Awkward rankings: in parity, what alpaca_eval 0.3.1's <c>ranking_parser</c> makes of each (run in Python 3.11); in fixed, what the judge meant.</summary>
public class RankingVerdictTests
{
    public static TheoryData<string, string?, string?> Verdicts => new()
    {
        { "[{'model': 'model_1', 'rank': 1}, {'model': 'model_2', 'rank': 2}]", "First", "First" },
        { "[{'model': 'model_1', 'rank': 2}, {'model': 'model_2', 'rank': 1}]", "Second", "Second" },
        { "[{\"model\": \"model_1\", \"rank\": 1}, {\"model\": \"model_2\", \"rank\": 2}]", "First", "First" },
        { "[\n    {'model': 'model_1', 'rank': 2},\n    {'model': 'model_2', 'rank': 1}\n]", "Second", "Second" },
        { "  [{'model': 'model_1', 'rank': 1}, {'model': 'model_2', 'rank': 2}]", "First", "First" },
        { "\n[{'model': 'model_1', 'rank': 1}, {'model': 'model_2', 'rank': 2}]", "First", "First" },
        { "\n  [{'model': 'model_1', 'rank': 1}, {'model': 'model_2', 'rank': 2}]", null, "First" },
        { "[{'model': 'model_1', 'rank': 1}, {'model': 'model_2', 'rank': 2}]\n\n", "First", "First" },
        { "[{'model': 'model_1', 'rank': 1}, {'model': 'model_2', 'rank': 2}]\n  # because it is longer", "First", "First" },
        { "```python\n[{'model': 'model_1', 'rank': 1}, {'model': 'model_2', 'rank': 2}]\n```", null, "First" },
        { "```json\n[{'model': 'model_1', 'rank': 2}, {'model': 'model_2', 'rank': 1}]\n```", null, "Second" },
        { "Here is the ranking:\n[{'model': 'model_1', 'rank': 2}, {'model': 'model_2', 'rank': 1}]", null, "Second" },
        { "[{'model': 'model_1', 'rank': 1}, {'model': 'model_2', 'rank': 2}]\nModel 1 is better.", null, "First" },
        { "ranking = [{'model': 'model_1', 'rank': 1}, {'model': 'model_2', 'rank': 2}]", null, "First" },
        { "{'model': 'model_1', 'rank': 1}, {'model': 'model_2', 'rank': 2}", "First", "First" },
        { "({'model': 'model_2', 'rank': 1}, {'model': 'model_1', 'rank': 2})", "Second", "Second" },
        { "[{'model': 'model_2', 'rank': 2}, {'model': 'model_1', 'rank': 1},]", "First", "First" },
        { "{'model': 'model_1', 'rank': 1}", null, "First" },
        { "[{'model': 'model_1', 'rank': 1}]", "First", "First" },
        { "[{'model': 'model_2', 'rank': 1}]", null, "Second" },
        { "[{'model': 'model_1', 'rank': '1'}, {'model': 'model_2', 'rank': '2'}]", null, "First" },
        { "[{'model': 'model_1', 'rank': 1.0}, {'model': 'model_2', 'rank': 2.0}]", "First", "First" },
        { "[{'model': 'model_1', 'rank': True}, {'model': 'model_2', 'rank': False}]", "First", "First" },
        { "[{'model': 'model_1', 'rank': 1}, {'model': 'model_2', 'rank': 1}]", "First", "Neither" },
        { "[{'model': 'model_1', 'rank': 2}, {'model': 'model_2', 'rank': 2}]", "Second", "Neither" },
        { "[{'model': 'model_1', 'rank': 3}, {'model': 'model_2', 'rank': 1}]", null, "Second" },
        { "[{'model': 'model_1', 'rank': 0}, {'model': 'model_2', 'rank': 1}]", null, "Second" },
        { "[{'rank': 2, 'model': 'model_1'}, {'rank': 1, 'model': 'model_2'}]", "Second", "Second" },
        { "[{'model': 'Model_1', 'rank': 1}, {'model': 'Model_2', 'rank': 2}]", null, null },
        { "[{'name': 'model_1', 'rank': 1}, {'name': 'model_2', 'rank': 2}]", null, null },
        { "[{'model': 'model_1', 'rank': 1}, 'model_2']", null, "First" },
        { "[{'model': 'model_1', 'rank': 1}, {'rank': 2}]", null, "First" },
        { "[{'model': 'model_1', 'rank': 1}, {'model': 'model_1', 'rank': 2}]", "First", null },
        { "[{'model': 'model_1', 'rank': 2, 'rank': 1}, {'model': 'model_2', 'rank': 2}]", "First", "First" },
        { "[{'model': 'model_1', 'rank': 01}, {'model': 'model_2', 'rank': 2}]", null, "First" },
        { "[{'model': 'model_1', 'rank': 0x2}, {'model': 'model_2', 'rank': 0b1}]", "Second", "Second" },
        { "[{'model': 'mod' 'el_1', 'rank': 1}, {'model': r'model_2', 'rank': 2}]", "First", "First" },
        { "[{'model': 'model\\x5f1', 'rank': 2}, {'model': 'model_2', 'rank': +1}]", "Second", "Second" },
        { "[{'model': f'model_1', 'rank': 1}]", null, null },
        { "[{'model': 'model_1', 'rank': 1}, {'model': 'model_2', 'rank': 2}", null, "First" },
        { "[{'model': 'model_1', 'rank': 1} {'model': 'model_2', 'rank': 2}]", null, "First" },
        { "[{\u2018model\u2019: \u2018model_1\u2019, \u2018rank\u2019: 2}, {\u2018model\u2019: \u2018model_2\u2019, \u2018rank\u2019: 1}]", null, "Second" },
        { "[{'model': 'model\\_1', 'rank': 1}, {'model': 'model\\_2', 'rank': 2}]", null, "First" },
        { "[{'model': 'model_1', 'rank': None}, {'model': 'model_2', 'rank': 1}]", null, "Second" },
        { "[{'model': 'model_1', 'rank': null}, {'model': 'model_2', 'rank': 1}]", null, "Second" },
        { "model_1", null, null },
        { "1", null, null },
        { "", null, null },
        { " ", null, null },
        { "[]", null, null },
        { "{}", null, null },
        { "None", null, null },
        { "I'm sorry, but I cannot rank these outputs.", null, null },
        { "Both answers are equally good.", null, null },
        { "[{'model': 'model_1', 'rank': '\uff11'}]", null, null },
        { "[{'model': 'model_1', 'rank': 1e0}, {'model': 'model_2', 'rank': 2}]", "First", "First" },
        { "[{'model': 'model_1', 'rank': -1}, {'model': 'model_2', 'rank': 2}]", null, "First" },
        { "[[{'model': 'model_1', 'rank': 1}]]", null, "First" },
        { "{1: 2}", null, null },
        { "{'model_1': 1, 'model_2': 2}", null, null },
        { "[{'model': 'model_1', 'rank': 1, 'why': \"it's \"\"\"longer\"\"\" \"}]", null, "First" },
        { "[{'model': 'model_1', 'rank': 1, 'why': 'it''s better'}, {'model': 'model_2', 'rank': 2}]", "First", "First" },
        { "((([{'model': 'model_1', 'rank': 1}, {'model': 'model_2', 'rank': 2}])))", "First", "First" },
        { "[{'model': 'model_1', 'rank': 1}, {'model': 'model_2', 'rank': 2}];", null, "First" },
        { "\ufeff[{'model': 'model_1', 'rank': 1}, {'model': 'model_2', 'rank': 2}]", null, "First" },
        { "[{'model': 'model_1',\\\n'rank': 1},\\\n{'model': 'model_2',\\\n'rank': 2}]", "First", "First" },
    };

    [Theory]
    [MemberData(nameof(Verdicts))]
    public void A_ranking_is_read_as_the_original_reads_it_or_as_it_was_meant(string verdict, string? parity, string? mended)
    {
        Assert.Equal(parity, RankingVerdict.Parse(verdict, EvaluationMode.Parity)?.ToString());
        Assert.Equal(mended, RankingVerdict.Parse(verdict, EvaluationMode.Fixed)?.ToString());
    }
}
