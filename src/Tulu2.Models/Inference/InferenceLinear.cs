namespace Tulu2.Models.Inference;

/// <summary>Linear layers that read the same rows, one below the other, with their biases and adapters.</summary>
/// <param name="Bias">[outputs]; null: none.</param>
internal sealed record InferenceLinear(PackedMatrix Weight, NativeBuffer? Bias, IReadOnlyList<InferenceAdapter> Adapters) : IDisposable
{
    public long Bytes => Weight.Bytes + (Bias?.Bytes ?? 0) + Adapters.Sum(adapter => adapter.Input.Bytes + adapter.Output.Bytes);

    public void Dispose()
    {
        Weight.Dispose();
        Bias?.Dispose();
        foreach (var adapter in Adapters)
        {
            adapter.Input.Dispose();
            adapter.Output.Dispose();
        }
    }
}

/// <summary>A low-rank adapter beside some of the outputs: y[first ..] += scale (x A^T) B^T. In fp32.</summary>
/// <param name="Input">A [rank, inputs].</param>
/// <param name="Output">B [outputs, rank].</param>
internal sealed record InferenceAdapter(PackedMatrix Input, PackedMatrix Output, int First, float Scale);

/// <summary>One decoder block (HF <c>LlamaDecoderLayer</c>).</summary>
internal sealed record InferenceBlock(
    NativeBuffer AttentionNorm, InferenceLinear QueryKeyValue, InferenceLinear AttentionOutput, NativeBuffer FeedNorm, InferenceLinear GateUp,
        InferenceLinear Down) : IDisposable
{
    public IReadOnlyList<InferenceLinear> Linears => [QueryKeyValue, AttentionOutput, GateUp, Down];

    public void Dispose()
    {
        AttentionNorm.Dispose();
        FeedNorm.Dispose();
        foreach (var linear in Linears) linear.Dispose();
    }
}
