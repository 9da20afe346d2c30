namespace Tulu2.Data.Python;

/// <summary>
/// MT19937 (Matsumoto, Nishimura: Mersenne Twister, 1998) with the seeding by an array of words that Python uses. Written out in full: the numbers drawn from a
/// seed must not change with the runtime or the platform.
/// </summary>
internal sealed class MersenneTwister
{
    private const int Words = 624, Middle = 397;
    private const uint Upper = 0x80000000, Lower = 0x7fffffff, Twist = 0x9908b0df;

    private readonly uint[] _state = new uint[Words];
    private int _next = Words;

    /// <param name="key">The seed's 32-bit words, lowest first; at least one.</param>
    public MersenneTwister(ReadOnlySpan<uint> key)
    {
        Fill(19650218);
        var (at, word) = (1, 0);
        for (var left = Math.Max(Words, key.Length); left > 0; left--)
        {
            _state[at] = (_state[at] ^ Scrambled(at - 1) * 1664525) + key[word] + (uint)word;
            if (++word == key.Length) word = 0;
            at = Advance(at);
        }
        for (var left = Words - 1; left > 0; left--)
        {
            _state[at] = (_state[at] ^ Scrambled(at - 1) * 1566083941) - (uint)at;
            at = Advance(at);
        }
        _state[0] = Upper;
    }

    /// <summary>The next 32 bits.</summary>
    public uint Next()
    {
        if (_next == Words) Renew();
        var word = _state[_next++];
        word ^= word >> 11;
        word ^= (word << 7) & 0x9d2c5680;
        word ^= (word << 15) & 0xefc60000;
        return word ^ (word >> 18);
    }

    private void Fill(uint seed)
    {
        _state[0] = seed;
        for (var at = 1; at < Words; at++) _state[at] = Scrambled(at - 1) * 1812433253 + (uint)at;
    }

    private uint Scrambled(int at) => _state[at] ^ (_state[at] >> 30);

    private int Advance(int at)
    {
        if (at + 1 < Words) return at + 1;
        _state[0] = _state[Words - 1];
        return 1;
    }

    private void Renew()
    {
        for (var at = 0; at < Words; at++)
        {
            var mixed = (_state[at] & Upper) | (_state[(at + 1) % Words] & Lower);
            _state[at] = _state[(at + Middle) % Words] ^ (mixed >> 1) ^ ((mixed & 1) * Twist);
        }
        _next = 0;
    }
}
