using System.Text.Json;
using Tulu2.Data.Chat;
using Tulu2.Data.Rows;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Generation;
using Tulu2.Evaluation.Requests;
using Tulu2.Evaluation.Scoring;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;
using Tulu2.Runs.Launch;
using Xunit;

namespace Tulu2.Tests.Evaluation.Generation;

/// <summary>A small trained checkpoint, loaded and used as a user does.</summary>
public class TinyStoriesTests
{
    private static string Folder => ReferenceData.Require("tinystories656K_hf");

    [SkippableFact]
    public void Greedy_ids_equal_the_independent_reference()
    {
        using var generator = TextGenerator.Load(Folder);
        using var reference = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, "reference_greedy.json")));
        var runs = reference.RootElement.GetProperty("runs").EnumerateArray().Select(r => (Prompt: Ids(r, "prompt_ids"), Greedy: Ids(r, "greedy_ids"))).ToList();
        Assert.NotEmpty(runs);
        var results = generator.Generate([.. runs.Select(r => new GenerationRequest(r.Prompt, GenerationOptions.Greedy with { MaxTokens = Answer(r).Length }))]);
        foreach (var (run, result) in runs.Zip(results)) Assert.Equal(Answer(run), result.Ids);

        // The end token ends an answer and is no part of it.
        int[] Answer((int[] Prompt, int[] Greedy) run)
        {
            var answer = run.Greedy.AsSpan().StartsWith(run.Prompt) ? run.Greedy[run.Prompt.Length..] : run.Greedy;
            return [.. answer.TakeWhile(id => !generator.Model.EndIds.Contains(id))];
        }

        static int[] Ids(JsonElement run, string name) => [.. run.GetProperty(name).EnumerateArray().Select(i => i.GetInt32())];
    }

    [SkippableFact]
    public void A_seeded_text_is_the_same_alone_and_in_any_batch()
    {
        using var model = LoadedModel.Load(Folder);
        using var wide = new TextGenerator(model, maxBatch: 8);
        using var narrow = new TextGenerator(model, maxBatch: 3, threads: 2);
        GenerationRequest[] requests =
        [
            .. new[] { "Once upon a time", "Lily", "The dog said", "One day, a little girl named Sue went", "Tom and" }.Select((text, i) =>
                new GenerationRequest(wide.EncodeRaw(text), new GenerationOptions { Seed = 5 + i, TopP = 0.95, MaxTokens = 40 })),
        ];
        var alone = requests.Select(r => wide.Generate(r)).ToList();
        var together = wide.Generate(requests);
        var reversed = narrow.Generate([.. requests.Reverse()]).Reverse().ToList();
        Assert.All(Enumerable.Range(0, requests.Length), i =>
        {
            Assert.Equal(alone[i].Ids, together[i].Ids);
            Assert.Equal(alone[i].Ids, reversed[i].Ids);
        });
        Assert.NotEqual(alone[0].Ids, wide.Generate(requests[0] with { Options = requests[0].Options with { Seed = 6 } }).Ids);
    }

    [SkippableFact]
    public void A_streamed_text_joins_to_the_result_and_stops_before_its_stop_string()
    {
        using var generator = TextGenerator.Load(Folder);
        var whole = generator.Generate(new GenerationRequest(generator.EncodeRaw("Once upon a time"), GenerationOptions.Greedy with { MaxTokens = 60 })).Text;
        // Six letters from the middle cut across tokens.
        var stop = whole.Substring(whole.Length / 2, 6);
        var pieces = new List<string>();
        var result = generator.Generate(new GenerationRequest(generator.EncodeRaw("Once upon a time"), GenerationOptions.Greedy with { MaxTokens = 60, Stop = [stop] }, pieces.Add));
        Assert.Equal(whole[..whole.IndexOf(stop, StringComparison.Ordinal)], result.Text);
        Assert.Equal(result.Text, string.Concat(pieces));
        Assert.Equal(FinishReason.Stop, result.Finish);
    }

    [SkippableFact]
    public void A_prompt_that_fills_the_context_of_512_is_an_error_and_a_long_text_ends_with_it()
    {
        using var generator = TextGenerator.Load(Folder);
        Assert.Throws<BadInputException>(() => generator.Generate(new GenerationRequest(new int[512], GenerationOptions.Greedy)));
        var result = generator.Generate(new GenerationRequest([1, .. Enumerable.Repeat(286, 505)], GenerationOptions.Greedy with { MaxTokens = 1000 }));
        Assert.InRange(result.Ids.Count, 1, 6);
    }

    [SkippableFact]
    public void Its_own_words_are_likelier_than_others_and_scores_do_not_depend_on_the_batch()
    {
        using var model = LoadedModel.Load(Folder);
        using TextGenerator generator = new(model), other = new(model, maxBatch: 1);
        var prompt = generator.EncodeRaw("Once upon a time");
        var own = generator.Generate(new GenerationRequest(prompt, GenerationOptions.Greedy with { MaxTokens = 20 })).Ids;
        EncodedSequence[] sequences = [Sequence(own), Sequence([.. own.Reverse()]), Sequence([.. own.Take(7)])];
        var scores = new LogProbabilityScorer(generator).Score(sequences);
        Assert.True(scores[0] > scores[1]);
        Assert.True(scores[2] > scores[0] && scores[2] < 0);
        Assert.Equal(scores, [.. sequences.Select(sequence => new LogProbabilityScorer(other).Score([sequence])[0])]);

        EncodedSequence Sequence(IReadOnlyList<int> answer) =>
            new([.. prompt, .. answer], [new LossSpan(prompt.Length, prompt.Length + answer.Count)], false, prompt.Length + answer.Count);
    }

    [SkippableTheory]
    [InlineData(true)]
    [InlineData(false)]
    public void Both_row_benchmarks_are_scored_from_files_in_this_process_and_in_another(bool inProcess)
    {
        var file = Path.Combine(Path.GetTempPath(), $"tulu2-rows-{Guid.NewGuid():N}.jsonl");
        try
        {
            using var evaluator = EvaluatorPrograms.Factory(inProcess, EvaluatorSettings.Default, null).Create();
            File.WriteAllText(file, """
                {"messages":[{"role":"user","content":"Say hi"},{"role":"assistant","content":"no story says this"}]}
                {"messages":[{"role":"user","content":"Say ho"},{"role":"assistant","content":"nor this"}]}
                """);
            var exact = Plan("exact_match").Tasks.Select(t => evaluator.Run(t, CancellationToken.None)).Single();
            Assert.Equal((2, 0.0), (exact.Items, exact.Total));
            Assert.All(exact.Scores, score => Assert.NotNull(score.Sample));

            File.WriteAllText(file, """
                {"prompt":"Tell me a story","chosen":"Once upon a time, there was a little girl named Lily.","rejected":"Xq zzv kkw brrt jjx qqp wwz vvk xxj zzq bbn ggh ttf."}
                """);
            var preference = Plan("preference").Tasks.Select(t => evaluator.Run(t, CancellationToken.None)).Single();
            Assert.Equal((1, 1.0), (preference.Items, preference.Total));

            Assert.Equal(exact.Scores[0].Sample!.Output[..5], evaluator.Answer(Folder, [[new Message(Message.User, "Say hi")]], 64, CancellationToken.None).Single()[..5]);
            Assert.Equal($"{file}:1", Assert.Throws<BadInputException>(() => evaluator.Run(new EvaluationTask("t", "exact_match", Folder, file, 0, 1), CancellationToken.None)).Where);
        }
        finally
        {
            File.Delete(file);
        }

        EvaluationPlan Plan(string benchmark) => EvaluationPlan.Of(BenchmarkCatalogue.Named(benchmark), new BenchmarkInput(file, new BenchmarkOptions(), null), Folder, 8);
    }
}
