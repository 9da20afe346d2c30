using Tulu2.Data.Rows;

namespace Tulu2.Data.Statistics.Content;

/// <summary>What the statistics of content need of a row or pair.</summary>
/// <param name="Dialogue">Of a pair the chosen one.</param>
/// <param name="Fingerprint">Of the whole content.</param>
internal readonly record struct ContentRow(string Dataset, RowLocation Location, IReadOnlyList<Message> Dialogue, UInt128 Fingerprint)
{
    public static ContentRow Of(MessageRow row) => new(row.Dataset, row.Location, row.Messages, ContentFingerprint.Of(row.Messages));

    public static ContentRow Of(UnpairedRow row) => new(row.Dataset, row.Location, row.Messages, ContentFingerprint.Of(row.Messages));

    public static ContentRow Of(PreferenceRow row) => new(row.Dataset, row.Location, row.Chosen, ContentFingerprint.Of(row));
}
