using System.Text.Json;
using Tulu2.Evaluation.TaskData;
using Tulu2.Files;

namespace Tulu2.Evaluation.Benchmarks.MtBench;

/// <summary>Reads FastChat's files: questions, GPT-4's reference answers, and the judge's prompts.</summary>
internal static class MtBenchFiles
{
    private static readonly string[] WithReference = ["math", "reasoning", "coding"];

    /// <summary>Categories of the 80 questions, ten each, from id 81: judgments do not name them.</summary>
    private static readonly string[] Categories = ["writing", "roleplay", "reasoning", "math", "coding", "extraction", "stem", "humanities"];

    private const int FirstId = 81, QuestionsOfCategory = 10;

    /// <summary>Null: it is none of the 80 questions.</summary>
    public static string? CategoryOf(string id) =>
        int.TryParse(id, out var number) && number >= FirstId ? Categories.ElementAtOrDefault((number - FirstId) / QuestionsOfCategory) : null;

    /// <exception cref="BadInputException">A file is missing or cannot be used.</exception>
    public static BenchmarkItems<MtBenchBenchmark.Item> Read(BenchmarkInput input, int answerTokens)
    {
        var questions = Require(input.Path, "question.jsonl");
        var references = JsonItems.Read(Require(input.Path, Path.Combine("reference_answer", "gpt-4.jsonl"))).ToDictionary(row => row.Name("question_id"), Turns);
        var prompts = JsonItems.Read(Require(input.Path, "judge_prompts.jsonl"))
            .Select(row => new GradePrompt(row.Text("name"), row.TextOrNull("system_prompt") ?? "", row.Text("prompt_template"))).ToDictionary(prompt => prompt.Name);
        var options = input.Options;
        var items = JsonItems.Read(questions).Select(row =>
        {
            var (id, category) = (row.Name("question_id"), row.Text("category"));
            var isReferenced = WithReference.Contains(category);
            var reference = !isReferenced ? null
                : references.TryGetValue(id, out var found) ? found : throw row.Bad($"has no reference answer, which {category} needs", "copy FastChat's reference_answer/gpt-4.jsonl");
            return new MtBenchBenchmark.Item(id, category, row.Location, QuestionTurns(row), reference,
                [Prompt(isReferenced ? "single-math-v1" : "single-v1"), Prompt(isReferenced ? "single-math-v1-multi-turn" : "single-v1-multi-turn")],
                options.Mode, options.Chat ?? true, options.MaxTokens ?? answerTokens);
        }).ToList();
        return new BenchmarkItems<MtBenchBenchmark.Item>(items, []);

        GradePrompt Prompt(string name) =>
            prompts.GetValueOrDefault(name) ?? throw new BadInputException(input.Path, $"has no judge prompt {name}", "copy FastChat's judge_prompts.jsonl into it");
    }

    /// <summary>The turns of an answer's first choice.</summary>
    /// <exception cref="BadInputException">It does not have two.</exception>
    public static IReadOnlyList<string> Turns(JsonItem row)
    {
        if (row.Value("choices") is { ValueKind: JsonValueKind.Array } choices && choices.EnumerateArray().FirstOrDefault() is { ValueKind: JsonValueKind.Object } choice
            && choice.TryGetProperty("turns", out var turns) && TwoTexts(turns) is { } two) return two;
        throw row.Bad("has no answer with two turns under \"choices\"");
    }

    private static IReadOnlyList<string> QuestionTurns(JsonItem row) =>
        row.Value("turns") is { } turns && TwoTexts(turns) is { } two ? two : throw row.Bad("has not two \"turns\"");

    private static string[]? TwoTexts(JsonElement turns) =>
        turns.ValueKind == JsonValueKind.Array && turns.GetArrayLength() == 2 && turns.EnumerateArray().All(turn => turn.ValueKind == JsonValueKind.String)
            ? [.. turns.EnumerateArray().Select(turn => turn.GetString()!)]
            : null;

    // FastChat keeps the prompts in `data` and all else in `data/mt_bench`.
    private static string Require(string folder, string name) => JsonItems.Find(folder, name, Path.Combine("mt_bench", name))
        ?? throw new BadInputException(folder, $"has no {name}", "copy FastChat's fastchat/llm_judge/data into it");
}
