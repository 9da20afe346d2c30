using Tulu2.Data.Benchmarks;

namespace Tulu2.Mixtures.BenchmarkTexts.Sources;

/// <summary>BIG-Bench Hard: input and target of all examples of 27 tasks. Options are part of the input. The prompts' examples are none of the items.</summary>
internal sealed class BbhTexts : IBenchmarkTexts
{
    private static readonly string[] Tasks =
    [
        "boolean_expressions", "causal_judgement", "date_understanding", "disambiguation_qa", "dyck_languages", "formal_fallacies", "geometric_shapes",
        "hyperbaton", "logical_deduction_five_objects", "logical_deduction_seven_objects", "logical_deduction_three_objects", "movie_recommendation",
        "multistep_arithmetic_two", "navigate", "object_counting", "penguins_in_a_table", "reasoning_about_colored_objects", "ruin_names",
        "salient_translation_error_detection", "snarks", "sports_understanding", "temporal_sequences", "tracking_shuffled_objects_five_objects",
        "tracking_shuffled_objects_seven_objects", "tracking_shuffled_objects_three_objects", "web_of_lies", "word_sorting",
    ];

    public string Name => "bbh";

    public IEnumerable<ItemTexts> Read(BenchmarkFolder folder)
    {
        foreach (var task in Tasks)
        {
            var whole = folder.Object($"bbh/{task}.json", out var document);
            using (document)
                foreach (var example in whole.List("examples"))
                    yield return new ItemTexts($"{task}/{example.Number}",
                        [new ItemText(ItemPart.Question, example.Text("input")), new ItemText(ItemPart.Answer, example.Text("target"))]);
        }
    }
}
