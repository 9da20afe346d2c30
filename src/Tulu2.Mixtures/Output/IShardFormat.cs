namespace Tulu2.Mixtures.Output;

/// <summary>Writes rows to one file.</summary>
internal interface IShardFormat
{
    /// <summary>The file's ending, with its dot.</summary>
    string Ending { get; }

    /// <param name="count">Rows.</param>
    /// <param name="line">A row's line, by its number within the shard; called once for each, in order, by one thread.</param>
    /// <param name="written">Is told how many rows are written.</param>
    void Write(Stream stream, int count, Func<int, byte[]> line, int threads, Action<int> written);
}
