package io.github.dl4jstepsize;

import org.nd4j.linalg.api.memory.deallocation.DeallocatorService;
import org.nd4j.linalg.factory.Nd4j;

import java.lang.ref.Reference;
import java.lang.reflect.Field;
import java.util.Map;

/** What has native memory: ND4J keeps a weak reference to each array's buffer and workspace, without an accessor. */
final class NativeArrays {

    private NativeArrays() {
    }

    /** By number; the numbers are never used again. */
    @SuppressWarnings("unchecked")
    static Map<String, Reference<Object>> references() throws ReflectiveOperationException {
        Field references = DeallocatorService.class.getDeclaredField("referenceMap");
        references.setAccessible(true);
        return (Map<String, Reference<Object>>) references.get(Nd4j.getDeallocatorService());
    }
}
