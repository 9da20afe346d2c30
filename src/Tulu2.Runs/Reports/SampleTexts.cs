using Tulu2.Data.Rows;
using Tulu2.Data.Rows.Reading;
using Tulu2.Evaluation.Generation;
using Tulu2.Evaluation.Reporting;
using Tulu2.Evaluation.Tasks;
using Tulu2.Training.Objectives;
using Tulu2.Training.Recipes;

namespace Tulu2.Runs.Reports;

/// <summary>A few greedy answers of a trained model to prompts of its own data, for the report.</summary>
internal static class SampleTexts
{
    // A larger model is not loaded again for a report: `tulu2 generate` shows its texts.
    private const long MostParameters = 200_000_000;
    private const int Samples = 4;
    private const int MostTokens = 64;

    /// <param name="export">The model's Hugging Face directory.</param>
    public static IReadOnlyList<ReportSamples> Of(
        string title, string export, Recipe recipe, long parameters, IEvaluatorFactory evaluators, CancellationToken cancellation)
    {
        if (parameters > MostParameters) return [];
        var chat = LoadedModel.ReadChat(export);
        // The context must leave room for an answer.
        var rows = recipe.Data.Files.SelectMany(file => Dialogues(file, ObjectiveCatalog.Of(recipe.Objective).Rows))
            .Select(turns => (Prompt: turns.Take(turns.Count - 1).ToList(), Expected: turns[^1].Content))
            .Where(row => row.Prompt.Count > 0 && chat.EncodePrompt(row.Prompt).Length + MostTokens <= Math.Min(recipe.Data.MaxLength, chat.MaxLength))
            .Take(Samples).ToList();
        if (rows.Count == 0) return [];
        using var evaluator = evaluators.Create();
        var answers = evaluator.Answer(export, [.. rows.Select(row => row.Prompt)], MostTokens, cancellation);
        return [new ReportSamples(title, [.. rows.Zip(answers, (row, answer) =>
            new EvaluationSample(row.Prompt[^1].Content, row.Expected, answer, answer.Trim() == row.Expected.Trim()))],
            $"Greedy answers to the first prompts of the training {Seen(recipe)}: they show what it learned, not what it can do.")];
    }

    // The first rows of the files may be some that a share for validation has taken.
    private static string Seen(Recipe recipe) => recipe.Validation.Share > 0 ? "files, which the model has seen except for those kept for validation" : "rows, which the model has seen";

    private static IEnumerable<IReadOnlyList<Message>> Dialogues(DataFile file, RowKind rows) => rows switch
    {
        RowKind.Preferences => RowReader.ReadPreferences(file).Where(row => row.Row is not null).Select(row => row.Row!.Chosen),
        RowKind.Unpaired => RowReader.ReadUnpaired(file).Where(row => row.Row is { Desirable: true }).Select(row => row.Row!.Messages),
        _ => RowReader.ReadMessages(file).Where(row => row.Row is not null).Select(row => row.Row!.Messages).Where(turns => turns[^1].Role == Message.Assistant),
    };
}
