using System.Security.Cryptography;
using Tulu2.Collectives.Links;
using Tulu2.Collectives.Network;
using Xunit;

namespace Tulu2.Tests.Collectives.Network;

public sealed class HandshakeTests
{
    private static readonly byte[] Nonce = [.. Enumerable.Range(1, Handshake.NonceSize).Select(number => (byte)number)];

    private static readonly Hello Greeting = new(3, 4, 2, 1, new LinkKey(LinkKey.HashOf([0, 2]), LinkPurpose.Messages), MayShare: true);

    [Fact]
    public void A_hello_has_exactly_these_bytes() => Assert.Equal(
        "74756c75326470310300000000000000040000000200000001000000c06fba92f32c52ec02010000000000000000000001"
        + "02030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20", Convert.ToHexStringLower(Handshake.WriteHello(Greeting, Nonce)));

    [Fact]
    public void The_other_messages_have_exactly_these_bytes()
    {
        var hello = Handshake.WriteHello(Greeting, Nonce);
        byte[] nonce = [.. Enumerable.Reverse(Nonce)], token = Nonce[..Handshake.TokenSize];
        byte[] messages =
        [
            .. Handshake.WriteChallenge(Ranks.Key, hello, nonce), .. Handshake.WriteProof(Ranks.Key, hello, nonce),
            .. Handshake.WriteVerdict(Verdict.Accepted, "/proc/1/fd/2", token, Ranks.Key, hello, nonce), .. Handshake.WriteReply(true, Ranks.Key, hello, nonce),
            .. BitConverter.GetBytes(Handshake.Seed(Ranks.Key, hello, nonce)),
        ];
        Assert.Equal("73edeb350f502d07eff256e391e46a8f751a77371a3ad47ee8e1d164c11bbb75", Convert.ToHexStringLower(SHA256.HashData(messages)));
    }

    [Fact]
    public void A_hello_is_read_as_it_was_written()
    {
        Assert.True(Handshake.TryReadHello(Handshake.WriteHello(Greeting, Nonce), out var read));
        Assert.Equal(Greeting, read);
        Assert.False(Handshake.TryReadHello(Handshake.WriteHello(Greeting with { Link = new LinkKey(1, LinkPurpose.Control) }, Nonce), out _));
    }
}
