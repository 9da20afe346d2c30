using System.Runtime.InteropServices;
using Tulu2.Models.Decoder;
using static TorchSharp.torch;

namespace Tulu2.Evaluation.Generation;

/// <summary>Adapts a loaded model to <see cref="IDecoder"/>.</summary>
internal sealed class LlamaDecoder(LoadedModel model) : IDecoder
{
    public int VocabularySize => model.Config.VocabularySize;

    public int UsedVocabulary => model.Config.UsedVocabulary;

    public int ContextLength => model.Config.MaxPositions;

    public IDecoding Begin(int maxBatch, int maxLength) => new Decoding(new DecodingSession(model.Model, maxBatch, maxLength));

    private sealed class Decoding(DecodingSession session) : IDecoding
    {
        public ReadOnlyMemory<float> Prefill(IReadOnlyList<int[]> prompts) => Taken(session.Prefill(prompts));

        public ReadOnlyMemory<float> Step(int[] nextIds) => Taken(session.Step(nextIds));

        public void Keep(int[] rows) => session.Remove([.. Enumerable.Range(0, session.Count).Except(rows)]);

        public void Dispose() => session.Dispose();

        private static float[] Taken(Tensor logits_BC)
        {
            using (logits_BC) return MemoryMarshal.Cast<byte, float>(logits_BC.bytes).ToArray();
        }
    }
}
