namespace Tulu2.Mixtures.Output;

/// <summary>
/// JSON Lines, packed by gzip in members of a fixed number of rows each: they are packed in parallel, and the bytes do not depend on the number of threads.
/// (They do depend on the runtime's zlib.)
/// </summary>
internal sealed class JsonLinesShard : IShardFormat
{
    private const int MemberRows = 128;
    private const int MembersAThread = 4;

    public string Ending => ".jsonl.gz";

    public void Write(Stream stream, int count, Func<int, byte[]> line, int threads, Action<int> written)
    {
        if (count == 0) stream.Write(PackedLines.Of([]));
        for (var begin = 0; begin < count;)
        {
            var members = Members(begin, count, line, threads * MembersAThread);
            var packed = new byte[members.Count][];
            Parallel.For(0, members.Count, new ParallelOptions { MaxDegreeOfParallelism = threads }, at => packed[at] = PackedLines.Of(members[at]));
            foreach (var member in packed) stream.Write(member);
            begin += members.Sum(member => member.Count);
            written(begin);
        }
    }

    private static List<List<ReadOnlyMemory<byte>>> Members(int begin, int count, Func<int, byte[]> line, int most)
    {
        var members = new List<List<ReadOnlyMemory<byte>>>();
        for (var at = begin; at < count && members.Count < most; at += MemberRows)
            members.Add([.. Enumerable.Range(at, Math.Min(MemberRows, count - at)).Select(row => (ReadOnlyMemory<byte>)line(row))]);
        return members;
    }
}
