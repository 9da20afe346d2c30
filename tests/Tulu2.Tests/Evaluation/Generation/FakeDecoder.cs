using Tulu2.Evaluation.Generation;

namespace Tulu2.Tests.Evaluation.Generation;

/// <summary>Letters as tokens (0 ends): logits are a pure function of a row's whole history, so that rows mixed up by a batch are noticed.</summary>
internal sealed class FakeDecoder(Func<IReadOnlyList<int>, int, float> logit, int context = 64) : IDecoder
{
    public List<int> BatchSizes { get; } = [];
    public int VocabularySize => 28;
    public int UsedVocabulary { get; init; } = 28;
    public int ContextLength => context;

    public IDecoding Begin(int maxBatch, int maxLength) => new Decoding(this, maxBatch, maxLength);

    /// <summary>Says a text, whatever came before the first token it generates.</summary>
    public static FakeDecoder Saying(string text, int promptLength) => new((history, id) =>
    {
        var said = history.Count - promptLength;
        return id == (said < text.Length ? Id(text[said]) : 0) ? 1 : 0;
    });

    public static int Id(char letter) => letter == ' ' ? 27 : letter - 'a' + 1;

    private sealed class Decoding(FakeDecoder owner, int maxBatch, int maxLength) : IDecoding
    {
        private List<List<int>> _rows = [];

        public ReadOnlyMemory<float> Prefill(IReadOnlyList<int[]> prompts)
        {
            _rows = [.. prompts.Select(p => p.ToList())];
            if (_rows.Count > maxBatch) throw new InvalidOperationException("too many rows");
            return Logits();
        }

        public ReadOnlyMemory<float> Step(int[] nextIds)
        {
            for (var row = 0; row < _rows.Count; row++) _rows[row].Add(nextIds[row]);
            if (nextIds.Length != _rows.Count || _rows.Any(r => r.Count > maxLength)) throw new InvalidOperationException("a row outgrew its batch");
            return Logits();
        }

        public void Keep(int[] rows) => _rows = [.. rows.Select(r => _rows[r])];

        public void Dispose()
        {
        }

        private float[] Logits()
        {
            owner.BatchSizes.Add(_rows.Count);
            return [.. _rows.SelectMany(row => Enumerable.Range(0, owner.VocabularySize).Select(id => logitOf(row, id)))];
        }

        private readonly Func<IReadOnlyList<int>, int, float> logitOf = owner.Logit;
    }

    private float Logit(IReadOnlyList<int> history, int id) => logit(history, id);
}

internal sealed class FakeText : IAnswerText
{
    public string Add(int id) => id == 27 ? " " : ((char)('a' + id - 1)).ToString();

    public string Flush() => string.Empty;
}
