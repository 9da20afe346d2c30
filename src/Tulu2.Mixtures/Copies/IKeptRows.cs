using Tulu2.Data.Rows.Reading;

namespace Tulu2.Mixtures.Copies;

/// <summary>A file of the rows that are kept, each with the record as it was, in the same order.</summary>
internal interface IKeptRows : IDisposable
{
    /// <summary>Records of JSON as bytes of the file, from records in order. Called by several threads.</summary>
    byte[] Pack(IReadOnlyList<ReadOnlyMemory<byte>> records);

    void Add(byte[] packed);

    /// <summary>All rows of one file have been judged.</summary>
    /// <param name="rows">How many it has.</param>
    /// <param name="dropped">Lines of those that are not kept, in order.</param>
    void EndFile(DataFile file, long rows, IReadOnlyList<long> dropped);

    /// <summary>There are no more files.</summary>
    void End();
}
