using System.IO.Hashing;

namespace Tulu2.Data.Rows.Records;

/// <summary>The header of a gzip member (RFC 1952, section 2.3).</summary>
internal static class GzipMember
{
    private const int Checksum = 2, Extra = 4, Name = 8, Comment = 16, Reserved = 0xe0;
    private const int Deflate = 8;

    public enum Start
    {
        /// <summary>The compressed data of a member comes next.</summary>
        Member,
        /// <summary>Nothing follows, or only zero bytes.</summary>
        End,
        BreaksOff,
        /// <summary>The next bytes are not gzip.</summary>
        Foreign,
        /// <summary>A member's header, but damaged.</summary>
        Damaged,
    }

    public static Start Begin(GzipInput input)
    {
        if (!input.TryNext(out var first)) return Start.End;
        if (first == 0) return OnlyZeros(input) ? Start.End : Start.Foreign;
        if (first != 0x1f) return Start.Foreign;
        if (!input.TryNext(out var second)) return Start.BreaksOff;
        return second == 0x8b ? ReadRest(input) : Start.Foreign;
    }

    private static Start ReadRest(GzipInput input)
    {
        var head = new Head(input);
        head.Take(0x1f);
        head.Take(0x8b);
        // Method, flags, four bytes of time, extra flags, operating system.
        if (!head.TryNext(out var method) || !head.TryNext(out var flags) || !head.TrySkip(6)) return Start.BreaksOff;
        if (method != Deflate || (flags & Reserved) != 0) return Start.Damaged;
        if ((flags & Extra) != 0 && !(head.TryNext(out var low) && head.TryNext(out var high) && head.TrySkip(low | high << 8))) return Start.BreaksOff;
        if ((flags & Name) != 0 && !head.TrySkipText()) return Start.BreaksOff;
        if ((flags & Comment) != 0 && !head.TrySkipText()) return Start.BreaksOff;
        if ((flags & Checksum) == 0) return Start.Member;
        var right = head.Sum;
        if (!head.TryNext(out low) || !head.TryNext(out high)) return Start.BreaksOff;
        return (low | high << 8) == right ? Start.Member : Start.Damaged;
    }

    private static bool OnlyZeros(GzipInput input)
    {
        while (input.TryNext(out var next))
            if (next != 0) return false;
        return true;
    }

    /// <summary>Reads the header's bytes and keeps their checksum.</summary>
    private sealed class Head(GzipInput input)
    {
        private readonly Crc32 sum = new();

        public int Sum => (int)(sum.GetCurrentHashAsUInt32() & 0xffff);

        public void Take(byte one) => sum.Append([one]);

        public bool TryNext(out byte next)
        {
            if (!input.TryNext(out next)) return false;
            Take(next);
            return true;
        }

        public bool TrySkip(int count)
        {
            for (; count > 0; count--)
                if (!TryNext(out _)) return false;
            return true;
        }

        public bool TrySkipText()
        {
            while (TryNext(out var next))
                if (next == 0) return true;
            return false;
        }
    }
}
