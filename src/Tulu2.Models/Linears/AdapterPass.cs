namespace Tulu2.Models.Linears;

/// <summary>What one pass through the model does with its adapters; null in its place: they add, and nothing is dropped.</summary>
/// <param name="IsOff">The frozen model alone computes.</param>
/// <param name="RowKeys">[N] keys of the rows, by which dropout drops; null: it drops nothing.</param>
internal sealed record AdapterPass(bool IsOff, ulong[]? RowKeys)
{
    public static readonly AdapterPass Off = new(true, null);
}
