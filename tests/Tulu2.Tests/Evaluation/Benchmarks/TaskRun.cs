using System.Security.Cryptography;
using System.Text;
using Tulu2.Data.Chat;
using Tulu2.Data.Rows;
using Tulu2.Data.Tokenizers;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Requests;
using Tulu2.Evaluation.Tasks;

namespace Tulu2.Tests.Evaluation.Benchmarks;

/// <summary>Benchmarks that are read from their folders, and answered by a function.</summary>
internal static class TaskRun
{
    public static BenchmarkItems<BenchmarkItem> Read(string benchmark, BenchmarkOptions options, PromptEncoder? prompts = null, string? path = null) =>
        BenchmarkCatalogue.Named(benchmark).ReadWithin(new BenchmarkInput(path ?? ReferenceData.Require(benchmark), options, prompts?.Chat) { Prompts = prompts });

    public static EvaluationOutcome Score(string benchmark, IReadOnlyList<BenchmarkItem> items, Func<BenchmarkItem, ModelRequest, ModelAnswer> answer) =>
        ItemScoring.Score("task", BenchmarkCatalogue.Named(benchmark), items, new Answers(answer), CancellationToken.None);

    public static ModelPrompt PromptOf(string benchmark, BenchmarkItem item) => BenchmarkCatalogue.Named(benchmark).Next(item, []) switch
    {
        ModelRequest.Generate generate => generate.Prompt,
        ModelRequest.NextTokens next => next.Prompt,
        var other => throw new NotSupportedException($"{other}"),
    };

    /// <summary>A prompt as one text: what open-instruct gives to its model, without the beginning token.</summary>
    public static string Rendered(ModelPrompt prompt) => prompt switch
    {
        ModelPrompt.Raw raw => raw.Text,
        ModelPrompt.Chat { Dialogue: [{ Role: Message.User } only] } chat => $"<|user|>\n{(chat.KeepsSpace ? only.Content : only.Content.Trim())}\n<|assistant|>\n{chat.AnswerPrefix}",
        _ => throw new NotSupportedException($"{prompt}"),
    };

    /// <summary>Of ids, rendered prompts and expected answers, as tools of the test's author have it.</summary>
    public static string Digest(string benchmark, IEnumerable<BenchmarkItem> items, Func<BenchmarkItem, string> expected)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var item in items) hash.AppendData(Encoding.UTF8.GetBytes($"{item.Id}\0{Rendered(PromptOf(benchmark, item))}\0{expected(item)}\n"));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>The tokenizer of Llama 2 with a context of so many tokens.</summary>
    public static PromptEncoder Llama2(int context = 4096)
    {
        var tokenizer = SentencePieceBpeTokenizer.Load(ReferenceData.Require("llama2_tokenizer"));
        return new PromptEncoder(new ChatEncoder(ChatTokenizer.Of(tokenizer), ChatForm.Default, context), tokenizer);
    }

    private sealed class Answers(Func<BenchmarkItem, ModelRequest, ModelAnswer> answer) : IAnswerSource
    {
        public IReadOnlyList<ModelAnswer> Answer(IReadOnlyList<ItemRequest> asked, CancellationToken cancellation) => [.. asked.Select(next => answer(next.Item, next.Request))];
    }
}
