package io.github.dl4jstepsize;

import org.nd4j.linalg.api.ndarray.INDArray;

import java.util.List;
import java.util.stream.Collectors;

/** What is in some arrays, to be put back. */
final class Snapshot {

    private final List<INDArray> arrays;
    private final List<INDArray> copies;

    Snapshot(List<INDArray> arrays) {
        this.arrays = arrays;
        this.copies = arrays.stream().map(INDArray::dup).collect(Collectors.toList());
    }

    /** Takes it once more, without new arrays. */
    void take() {
        assign(copies, arrays);
    }

    void restore() {
        assign(arrays, copies);
    }

    private static void assign(List<INDArray> arrays, List<INDArray> values) {
        for (int i = 0; i < arrays.size(); i++) {
            arrays.get(i).assign(values.get(i));
        }
    }
}
