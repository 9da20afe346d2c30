using Tulu2.Data.Benchmarks;

namespace Tulu2.Mixtures.BenchmarkTexts.Sources;

/// <summary>MMLU (Hendrycks): question and four choices of the test questions of 57 subjects. The right choice is one of the four.</summary>
internal sealed class MmluTexts : IBenchmarkTexts
{
    private const int Choices = 4;

    private static readonly string[] Subjects =
    [
        "abstract_algebra", "anatomy", "astronomy", "business_ethics", "clinical_knowledge", "college_biology", "college_chemistry", "college_computer_science",
        "college_mathematics", "college_medicine", "college_physics", "computer_security", "conceptual_physics", "econometrics", "electrical_engineering",
        "elementary_mathematics", "formal_logic", "global_facts", "high_school_biology", "high_school_chemistry", "high_school_computer_science",
        "high_school_european_history", "high_school_geography", "high_school_government_and_politics", "high_school_macroeconomics",
        "high_school_mathematics", "high_school_microeconomics", "high_school_physics", "high_school_psychology", "high_school_statistics",
        "high_school_us_history", "high_school_world_history", "human_aging", "human_sexuality", "international_law", "jurisprudence",
        "logical_fallacies", "machine_learning", "management", "marketing", "medical_genetics", "miscellaneous", "moral_disputes", "moral_scenarios",
        "nutrition", "philosophy", "prehistory", "professional_accounting", "professional_law", "professional_medicine", "professional_psychology",
        "public_relations", "security_studies", "sociology", "us_foreign_policy", "virology", "world_religions",
    ];

    public string Name => "mmlu";

    public IEnumerable<ItemTexts> Read(BenchmarkFolder folder) =>
        from subject in Subjects
        from row in folder.Table($"test/{subject}_test.csv", 1 + Choices + 1)
        select new ItemTexts($"{subject}/{row.Number}",
            [new ItemText(ItemPart.Question, row.Values[0]), .. row.Values[1..(1 + Choices)].Select(choice => new ItemText(ItemPart.Choice, choice))]);
}
