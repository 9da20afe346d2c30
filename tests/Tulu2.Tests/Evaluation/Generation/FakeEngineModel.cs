using Tulu2.Evaluation.Generation;
using Tulu2.Models.Inference;

namespace Tulu2.Tests.Evaluation.Generation;

/// <summary>
/// Letters as tokens (0 ends): logits are a pure function of a row's whole history, which is read from the pages, so that rows or pages that are mixed up are
/// noticed.
/// </summary>
/// <param name="pages">Of four tokens each.</param>
internal sealed class FakeEngineModel(Func<IReadOnlyList<int>, int, float> logit, int context = 64, int pages = 600) : IEngineModel
{
    private readonly int[,] _tokens = new int[pages, 4];
    private readonly List<int[]> _histories = [];

    /// <summary>Rows of each run.</summary>
    public List<int> Rows { get; } = [];

    public int Computed => Rows.Sum();

    public int VocabularySize => 28;
    public int UsedVocabulary { get; init; } = 28;
    public int ContextLength => Math.Min(context, pages * PageTokens);
    public int Pages => pages;
    public int PageTokens => 4;
    public bool IsDisposed { get; private set; }

    /// <summary>A step waits until this is set.</summary>
    public ManualResetEventSlim? Gate { get; init; }

    public Action? OnRun { get; set; }

    /// <summary>Says a text, whatever came before the first token it generates.</summary>
    public static FakeEngineModel Saying(string text, int promptLength) => new((history, id) =>
    {
        var said = history.Count - promptLength;
        return id == (said < text.Length ? Id(text[said]) : 0) ? 1 : 0;
    });

    /// <summary>Logits by a hash of the whole history.</summary>
    public static float Hashed(IReadOnlyList<int> history, int id) => 3f * (float)SeededUniform.At(history.Aggregate(17, (hash, token) =>
        unchecked(hash * 31 + token)), id);

    public static int Id(char letter) => letter == ' ' ? 27 : letter - 'a' + 1;

    /// <summary>Whether a run, or the logits after one, are lost, with all pages.</summary>
    public Func<bool>? IsLost { get; init; }

    public void Run(IReadOnlyList<SequencePart> parts)
    {
        Gate?.Wait();
        OnRun?.Invoke();
        LoseAtTimes();
        _histories.Clear();
        foreach (var part in parts)
        {
            var count = part.First + part.Ids.Length;
            if (part.Pages.Count != part.Pages.Distinct().Count()) throw new InvalidOperationException("a page twice");
            for (var at = 0; at < part.Ids.Length; at++) _tokens[part.Pages[(part.First + at) / 4], (part.First + at) % 4] = part.Ids.Span[at];
            int[] history = [.. Enumerable.Range(0, count).Select(at => _tokens[part.Pages[at / 4], at % 4])];
            for (var at = part.First; at < count; at++) _histories.Add(history[..(at + 1)]);
        }
        Rows.Add(_histories.Count);
    }

    public void Logits(ReadOnlySpan<int> rows, Span<float> logits)
    {
        LoseAtTimes();
        for (var row = 0; row < rows.Length; row++)
            for (var id = 0; id < VocabularySize; id++) logits[row * VocabularySize + id] = logit(_histories[rows[row]], id);
    }

    private void LoseAtTimes()
    {
        if (IsLost?.Invoke() is not true) return;
        Array.Clear(_tokens);
        throw new ModelLostException("lost", new IOException("gone"));
    }

    public void Stop()
    {
    }

    public void Dispose() => IsDisposed = true;
}

internal sealed class FakeText : IAnswerText
{
    public string Add(int id) => id == 27 ? " " : ((char)('a' + id - 1)).ToString();

    public string Flush() => string.Empty;
}
