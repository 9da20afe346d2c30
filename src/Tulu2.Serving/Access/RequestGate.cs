using Tulu2.Serving.Errors;

namespace Tulu2.Serving.Access;

/// <summary>Lets a limited number of requests in at a time.</summary>
internal sealed class RequestGate(int most)
{
    private int _inside;

    /// <returns>To be disposed of at the request's end.</returns>
    /// <exception cref="ApiException">There are too many.</exception>
    public IDisposable Enter()
    {
        if (Interlocked.Increment(ref _inside) <= most) return new Place(this);
        Interlocked.Decrement(ref _inside);
        throw ApiException.Busy($"The server is overloaded: it answers {most} requests at a time. Try again later.");
    }

    private sealed class Place(RequestGate gate) : IDisposable
    {
        private int _left;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _left, 1) == 0) Interlocked.Decrement(ref gate._inside);
        }
    }
}
