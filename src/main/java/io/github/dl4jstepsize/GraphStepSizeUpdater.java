package io.github.dl4jstepsize;

import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.updater.graph.ComputationGraphUpdater;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.linalg.api.ndarray.INDArray;

/** DL4J's updater of a ComputationGraph, followed by the search for the step size. */
final class GraphStepSizeUpdater extends ComputationGraphUpdater implements StepSizeNetworkUpdater {

    private final StepSizeSearch search;

    /** @param state used as it is; null for a new one */
    GraphStepSizeUpdater(ComputationGraph network, INDArray state) {
        super(network, state);
        search = new StepSizeSearch(objective -> new GraphPass(network, objective), network.params(), updaterBlocks);
    }

    @Override
    public StepSizeSearch search() {
        return search;
    }

    @Override
    public synchronized void update(Gradient gradient, int iteration, int epoch, int batchSize,
                                    LayerWorkspaceMgr workspaceMgr) {
        if (search.admits(iteration, epoch, batchSize)) {
            super.update(gradient, iteration, epoch, batchSize, workspaceMgr);
            search.step(iteration, epoch, batchSize);
        }
    }

    @Override
    public synchronized INDArray getStateViewArray() {
        search.store();
        return super.getStateViewArray();
    }

    @Override
    public INDArray getUpdaterStateViewArray() {
        return getStateViewArray();
    }

    @Override
    public synchronized INDArray getStateViewArrayCopy() {
        search.store();
        return super.getStateViewArrayCopy();
    }

    @Override
    public synchronized void setStateViewArray(INDArray viewArray) {
        search.store();
        super.setStateViewArray(viewArray);
    }
}
