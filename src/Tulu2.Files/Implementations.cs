using System.Reflection;

namespace Tulu2.Files;

/// <summary>Finds what is added to a seam by its class alone.</summary>
public static class Implementations
{
    /// <summary>An instance of each class of an assembly that implements or derives from <typeparamref name="T"/>, by its parameterless constructor.</summary>
    public static IEnumerable<T> In<T>(Assembly assembly, Func<Type, bool>? where = null)
        where T : class =>
        assembly.GetTypes().Where(type => type is { IsClass: true, IsAbstract: false } && type.IsAssignableTo(typeof(T)) && where?.Invoke(type) != false)
            .Select(type => (T)Activator.CreateInstance(type)!);
}
